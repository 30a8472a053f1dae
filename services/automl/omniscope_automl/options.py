"""Checks of what a training request says by itself, whatever its dataset holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omniscope_automl.presets import (
    DEFAULT_PRESET,
    METRICS,
    MODEL_FAMILIES,
    PRESETS,
    missing_modules,
)
from omniscope_automl.spec import DEFAULT_TIME_LIMIT, TIME_LIMIT_RANGE
from omniscope_service.errors import InvalidArgument
from omniscope_training.allowed import require_in, require_known
from omniscope_training.options import check_shared_options, fill_shared_options

if TYPE_CHECKING:
    from omniscope.automl.v1.automl_service_pb2 import TrainRequest
    from omniscope_ml.training.spec import ProblemType


def fill_options(request: TrainRequest) -> TrainRequest:
    """Return a copy with the defaults that depend on nothing but the request."""
    filled = type(request)()
    filled.CopyFrom(request)
    filled.quality = request.quality or DEFAULT_PRESET
    if not request.HasField("time_limit"):
        filled.time_limit = DEFAULT_TIME_LIMIT
    fill_shared_options(filled)
    return filled


def check_options(request: TrainRequest) -> None:
    """Refuse options that no dataset could make work.

    Args:
        request: With its defaults filled in.

    Raises:
        InvalidArgument: Something is not allowed; the message says what is.
    """
    require_known(request.quality, [p.name for p in PRESETS], "quality", "PRESET_UNKNOWN")
    require_in(request.time_limit, TIME_LIMIT_RANGE, "time_limit", "TIME_LIMIT_OUT_OF_RANGE")
    check_shared_options(request)
    _check_metric(request.eval_metric)
    _check_families(request)


def _check_metric(metric: str) -> None:
    if metric:
        known = sorted({name for names in METRICS.values() for name in names})
        require_known(metric, known, "eval_metric", "METRIC_UNKNOWN")


def check_metric_fits(metric: str, problem_type: ProblemType) -> None:
    """Refuse a metric that says nothing about this kind of problem; empty means the default.

    Raises:
        InvalidArgument: Reason METRIC_UNKNOWN.
    """
    if metric and metric not in METRICS[problem_type]:
        raise InvalidArgument(
            f"eval_metric {metric!r} does not fit {problem_type} problems; allowed are "
            f"{', '.join(METRICS[problem_type])}.",
            reason="METRIC_UNKNOWN",
            field="eval_metric",
        )


def _check_families(request: TrainRequest) -> None:
    for field in ("included_model_families", "excluded_model_families"):
        for index, family in enumerate(getattr(request, field)):
            require_known(family, MODEL_FAMILIES, f"{field}[{index}]", "MODEL_FAMILY_UNKNOWN")
    allowed = set(request.included_model_families) or set(MODEL_FAMILIES)
    if allowed <= set(request.excluded_model_families):
        raise InvalidArgument(
            "excluded_model_families leaves no model family to train.",
            reason="MODEL_FAMILY_UNKNOWN",
            field="excluded_model_families",
        )


def check_families_available(request: TrainRequest) -> None:
    """Refuse a family that was asked for by name and that this machine cannot train.

    Raises:
        InvalidArgument: Reason MODEL_FAMILY_UNAVAILABLE.
    """
    for index, family in enumerate(request.included_model_families):
        if missing := missing_modules(family):
            can = [name for name in MODEL_FAMILIES if not missing_modules(name)]
            raise InvalidArgument(
                f"model family {family!r} needs {', '.join(missing)}, which this machine does "
                f"not have; available are {', '.join(can)}.",
                reason="MODEL_FAMILY_UNAVAILABLE",
                field=f"included_model_families[{index}]",
            )
