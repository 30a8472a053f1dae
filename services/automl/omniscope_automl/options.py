"""Checks of what a training request says by itself, whatever its dataset holds."""

from __future__ import annotations

import math
import re
import uuid
from typing import TYPE_CHECKING, Final

from omniscope.common.v1 import split_pb2
from omniscope_automl.presets import (
    DEFAULT_PRESET,
    METRICS,
    MODEL_FAMILIES,
    PRESETS,
    missing_modules,
)
from omniscope_automl.spec import (
    DEADLINE_RANGE,
    DEFAULT_SEED,
    DEFAULT_TEST_FRACTION,
    DEFAULT_TIME_LIMIT,
    PROBLEM_TYPES,
    SEED_RANGE,
    TEST_FRACTION_RANGE,
    TIME_LIMIT_RANGE,
)
from omniscope_service.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from omniscope.automl.v1.automl_service_pb2 import TrainRequest
    from omniscope_automl.spec import ProblemType

PROBLEM_TYPE_WORDS: Final = ("auto", "classification", *PROBLEM_TYPES)
FIELD_INVALID: Final = "FIELD_INVALID"
DEFAULT_EXPERIMENT: Final = "default"
MAX_DESCRIPTION_CHARACTERS: Final = 2_000
MAX_TAGS: Final = 64
MAX_TAG_CHARACTERS: Final = 256
MAX_NAME_CHARACTERS: Final = 128

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")
_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", re.IGNORECASE)


def fill_options(request: TrainRequest) -> TrainRequest:
    """Return a copy with the defaults that depend on nothing but the request."""
    filled = type(request)()
    filled.CopyFrom(request)
    filled.problem_type = request.problem_type or "auto"
    filled.quality = request.quality or DEFAULT_PRESET
    filled.experiment = request.experiment or DEFAULT_EXPERIMENT
    if not request.HasField("time_limit"):
        filled.time_limit = DEFAULT_TIME_LIMIT
    if not request.HasField("seed"):
        filled.seed = DEFAULT_SEED
    if not request.split.HasField("test_fraction"):
        filled.split.test_fraction = DEFAULT_TEST_FRACTION
    if not request.split.HasField("seed"):
        filled.split.seed = filled.seed
    return filled


def check_options(request: TrainRequest) -> None:
    """Refuse options that no dataset could make work.

    Args:
        request: With its defaults filled in.

    Raises:
        InvalidArgument: Something is not allowed; the message says what is.
    """
    _require_known(
        request.problem_type, PROBLEM_TYPE_WORDS, "problem_type", "PROBLEM_TYPE_UNKNOWN"
    )
    _require_known(request.quality, [p.name for p in PRESETS], "quality", "PRESET_UNKNOWN")
    _require_in(request.time_limit, TIME_LIMIT_RANGE, "time_limit", "TIME_LIMIT_OUT_OF_RANGE")
    if request.HasField("deadline_seconds"):
        _require_in(
            request.deadline_seconds, DEADLINE_RANGE, "deadline_seconds", "DEADLINE_OUT_OF_RANGE"
        )
    _require_in(request.seed, SEED_RANGE, "seed", FIELD_INVALID)
    _check_split(request.split)
    _check_metric(request.eval_metric)
    _check_families(request)
    _check_labels(request)


def _check_split(split: split_pb2.SplitConfig) -> None:
    strategies = split_pb2.SplitStrategy.DESCRIPTOR
    _require_known(split.strategy, strategies.values_by_number, "split.strategy", FIELD_INVALID)
    _require_in(split.seed, SEED_RANGE, "split.seed", FIELD_INVALID)
    # Written so that NaN is refused too.
    low, high = TEST_FRACTION_RANGE
    if not (math.isfinite(split.test_fraction) and low <= split.test_fraction <= high):
        raise InvalidArgument(
            f"split.test_fraction is {split.test_fraction:g}; it must be from {low} to {high}.",
            reason="TEST_FRACTION_OUT_OF_RANGE",
            field="split.test_fraction",
        )


def _check_metric(metric: str) -> None:
    if metric:
        known = sorted({name for names in METRICS.values() for name in names})
        _require_known(metric, known, "eval_metric", "METRIC_UNKNOWN")


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
            _require_known(family, MODEL_FAMILIES, f"{field}[{index}]", "MODEL_FAMILY_UNKNOWN")
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


def _check_labels(request: TrainRequest) -> None:
    if request.model_name:
        _check_name(request.model_name, "model_name")
    _check_name(request.experiment, "experiment")
    if len(request.description) > MAX_DESCRIPTION_CHARACTERS:
        raise InvalidArgument(
            f"description has {len(request.description)} characters; it may have up to "
            f"{MAX_DESCRIPTION_CHARACTERS}.",
            reason=FIELD_INVALID,
            field="description",
        )
    _check_tags(request.tags)
    if request.request_id:
        _check_request_id(request.request_id)


def _check_name(name: str, field: str) -> None:
    fits = len(name) <= MAX_NAME_CHARACTERS and _NAME.fullmatch(name)
    if not fits or _ULID.fullmatch(name):
        raise InvalidArgument(
            f"{field} {_shown(name)} is not allowed; a name has 1 to {MAX_NAME_CHARACTERS} "
            "letters, digits, '_', '-' and '.', does not begin with '.', and is not shaped like "
            "an id.",
            reason="NAME_INVALID",
            field=field,
        )


def _check_tags(tags: Mapping[str, str]) -> None:
    longest = max((len(text) for item in tags.items() for text in item), default=0)
    if len(tags) > MAX_TAGS or longest > MAX_TAG_CHARACTERS or "" in tags:
        raise InvalidArgument(
            f"tags has {len(tags)} entries, the longest key or value has {longest} characters; "
            f"allowed are {MAX_TAGS} entries of {MAX_TAG_CHARACTERS} characters, keys not empty.",
            reason=FIELD_INVALID,
            field="tags",
        )


def _check_request_id(request_id: str) -> None:
    try:
        uuid.UUID(request_id)
    except ValueError as error:
        raise InvalidArgument(
            f"request_id {_shown(request_id)} is not a UUID.",
            reason=FIELD_INVALID,
            field="request_id",
        ) from error


def _require_known(value: object, allowed: Collection[object], field: str, reason: str) -> None:
    if value not in allowed:
        raise InvalidArgument(
            f"{field} {_shown(value)} is not known; allowed are {', '.join(_words(allowed))}.",
            reason=reason,
            field=field,
        )


def _words(allowed: Iterable[object]) -> Iterable[str]:
    return (str(word) for word in allowed)


def _require_in(value: int, allowed: tuple[int, int], field: str, reason: str) -> None:
    low, high = allowed
    if not low <= value <= high:
        raise InvalidArgument(
            f"{field} is {value}; it must be from {low} to {high}.", reason=reason, field=field
        )


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= MAX_NAME_CHARACTERS else f"{text[:64]}..."
