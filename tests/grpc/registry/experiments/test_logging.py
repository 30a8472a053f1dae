"""Values that callers add to their runs."""

import asyncio
import math
from datetime import UTC, datetime

import pytest

from omniscope.registry.v1 import experiment_service_pb2 as messages
from omniscope.registry.v1.projection_service_pb2 import Projection
from omniscope_registry import outbox
from omniscope_registry.experiments import logging_sql
from omniscope_service.errors import FailedPrecondition, InvalidArgument, ResourceExhausted


def log(job, *points):
    metrics = [messages.LoggedMetric(key=k, value=v, step=s) for k, v, s in points]
    return messages.LogMetricsRequest(run_id=job.id, metrics=metrics)


async def values(stub, job, metric):
    request = messages.GetMetricHistoryRequest(run_id=job.id, metric=metric)
    return (await stub.GetMetricHistory(request)).values


async def test_logged_values_join_the_runs_metrics_and_go_to_mlflow(
    stub, insert_job, measure, database
):
    job = await insert_job()
    await measure(job, "accuracy", 0.5)

    answer = await stub.LogMetrics(log(job, ("site/auc", 0.7, 0), ("site/auc", 0.8, 1)))

    assert answer.added_count == 2
    found = await values(stub, job, "site/auc")
    assert [(v.value, v.step, v.attempt) for v in found] == [(0.7, 0, 0), (0.8, 1, 0)]
    run = await stub.GetRun(messages.GetRunRequest(run_id=job.id))
    assert dict(run.metrics) == {"accuracy": 0.5, "site/auc": 0.8}
    async with database.read() as conn:
        (row,) = await outbox.pending(conn, "mlflow", 10)
    batch = Projection.FromString(row.payload).metrics
    assert (row.job_id, batch.attempt) == (job.id, 1)
    assert [(p.key, p.value, p.step) for p in batch.points] == [
        ("site/auc", 0.7, 0),
        ("site/auc", 0.8, 1),
    ]
    assert batch.points[0].event_time == found[0].event_time


async def test_repeating_a_call_adds_nothing(stub, insert_job, database):
    job = await insert_job()
    request = log(job, ("a", 1, 0), ("a", 1, 0), ("b", 1, 0))

    added = [(await stub.LogMetrics(request)).added_count for _ in range(2)]
    more = await stub.LogMetrics(log(job, ("a", 2, 0), ("a", 1, 0)))

    assert (added, more.added_count) == ([2, 0], 1)
    assert [v.value for v in await values(stub, job, "a")] == [1, 2]
    async with database.read() as conn:
        assert len(await outbox.pending(conn, "mlflow", 10)) == 2


async def test_calls_at_the_same_time_lose_nothing(stub, insert_job):
    job = await insert_job()

    await asyncio.gather(*(stub.LogMetrics(log(job, ("a", n, n))) for n in range(8)))

    assert sorted(v.value for v in await values(stub, job, "a")) == list(range(8))


async def test_a_run_that_has_ended_takes_values_too(stub, insert_job):
    job = await insert_job(status="failed", attempt=2, completed_at=datetime.now(UTC))

    assert (await stub.LogMetrics(log(job, ("a", 1, 0)))).added_count == 1


async def test_a_run_that_nobody_has_started_takes_none(stub, insert_job, refused):
    job = await insert_job(status="queued")

    error = await refused(stub.LogMetrics(log(job, ("a", 1, 0))))

    assert isinstance(error, FailedPrecondition)
    assert (error.reason, error.field) == ("RUN_NOT_STARTED", "run_id")


async def test_a_run_keeps_a_bounded_number_of_logged_values(
    stub, insert_job, refused, monkeypatch
):
    monkeypatch.setattr(logging_sql, "MAX_LOGGED", 3)
    job = await insert_job()
    await stub.LogMetrics(log(job, ("a", 1, 0), ("a", 2, 1)))

    error = await refused(stub.LogMetrics(log(job, ("a", 3, 2), ("a", 4, 3))))

    assert isinstance(error, ResourceExhausted)
    assert error.reason == "METRICS_FULL"
    assert len(await values(stub, job, "a")) == 2


@pytest.mark.parametrize(
    ("points", "field"),
    [
        ([("", 1, 0)], "metrics[0].key"),
        ([("a", 1, 0), ("b\0", 1, 0)], "metrics[1].key"),
        ([("a" * 251, 1, 0)], "metrics[0].key"),
        ([("a", math.nan, 0)], "metrics[0].value"),
        ([("a", math.inf, 0)], "metrics[0].value"),
        ([("a", 1, -1)], "metrics[0].step"),
        ([("a", n, n) for n in range(1001)], "metrics"),
        ([], "metrics"),
    ],
)
async def test_wrong_values_are_refused_with_their_place(stub, insert_job, refused, points, field):
    job = await insert_job()

    error = await refused(stub.LogMetrics(log(job, *points)))

    assert isinstance(error, InvalidArgument)
    assert error.field == field
    assert error.reason in {"FIELD_INVALID", "FIELD_REQUIRED"}
