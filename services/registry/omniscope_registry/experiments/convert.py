"""Between rows of jobs and metrics and the protocol's messages."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from google.protobuf.any_pb2 import Any as AnyMessage

from omniscope.registry.v1 import experiment_service_pb2 as messages
from omniscope_registry.jobs.convert import input_to_proto, state_to_proto
from omniscope_registry.projection.fields import params
from omniscope_service.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Row

    from omniscope_registry.jobs.values import JobInput

MAX_POINTS: Final = 1000
"""Values that one call of LogMetrics may bring."""

_KEY: Final = re.compile(r"[A-Za-z0-9_\-. :/]{1,250}")


class LoggedPoint(NamedTuple):
    """A value that a caller measured."""

    key: str
    value: float
    step: int


def experiment_to_proto(row: Row[Any]) -> messages.Experiment:
    """Return an experiment, from its name, count and times."""
    found = messages.Experiment(name=row.experiment, run_count=row.run_count)
    found.create_time.FromDatetime(row.created_at)
    found.last_run_time.FromDatetime(row.last_run_at)
    return found


def run_to_proto(row: Row[Any], inputs: Iterable[JobInput]) -> messages.Run:
    """Return a run with the metrics of its model, from a job's row with `held_out`."""
    run = messages.Run(
        run_id=row.id,
        experiment=row.experiment,
        name=row.model_name,
        state=state_to_proto(row.status),
        attempt=row.attempt,
        inputs=map(input_to_proto, inputs),
        artifact_id=row.artifact_id or "",
        model_id=row.model_id or "",
        mlflow_run_id=row.mlflow_run_id or "",
        metrics={f"test_{name}": value for name, value in (row.held_out or {}).items()},
        tags=row.tags,
    )
    for message, time in (
        (run.create_time, row.created_at),
        (run.start_time, row.started_at),
        (run.end_time, row.completed_at),
    ):
        if time is not None:
            message.FromDatetime(time)
    return run


def whole_run_to_proto(
    row: Row[Any], inputs: Iterable[JobInput], last: Mapping[str, float]
) -> messages.Run:
    """Return a run with its parameters and the last values of all its metrics."""
    run = run_to_proto(row, inputs)
    run.parameters.update(params(AnyMessage.FromString(row.config)))
    run.metrics.update(last)
    return run


def metric_to_proto(row: Row[Any]) -> messages.MetricValue:
    """Return a value, from a row of `job_metrics`."""
    found = messages.MetricValue(
        value=row.value, step=row.step, epoch=row.epoch, attempt=row.attempt
    )
    found.event_time.FromDatetime(row.created_at)
    return found


def points_from_proto(request: messages.LogMetricsRequest) -> list[LoggedPoint]:
    """Return the values that a caller wants to add.

    Raises:
        InvalidArgument: Reason FIELD_INVALID.
    """
    if len(request.metrics) > MAX_POINTS:
        raise _invalid("metrics", f"{len(request.metrics)} values", f"at most {MAX_POINTS}")
    for place, metric in enumerate(request.metrics):
        path = f"metrics[{place}]"
        if not _KEY.fullmatch(metric.key):
            raise _invalid(f"{path}.key", metric.key[:64], f"of the form {_KEY.pattern}")
        if not math.isfinite(metric.value):
            raise _invalid(f"{path}.value", metric.value, "finite")
        if metric.step < 0:
            raise _invalid(f"{path}.step", metric.step, "at least 0")
    return [LoggedPoint(metric.key, metric.value, metric.step) for metric in request.metrics]


def _invalid(field: str, value: object, expected: str) -> InvalidArgument:
    return InvalidArgument(
        f"{field} is {value!r}: it has to be {expected}", reason="FIELD_INVALID", field=field
    )
