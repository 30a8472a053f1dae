"""Checks of what a training request says by itself, whatever its dataset holds."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Final

from omniscope_automl.allowed import (
    FIELD_INVALID,
    MAX_NAME_CHARACTERS,
    require_in,
    require_known,
    shown,
)
from omniscope_automl.feature_selection import check_selection, fill_selection
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
    DEFAULT_TIME_LIMIT,
    PROBLEM_TYPES,
    SEED_RANGE,
    TIME_LIMIT_RANGE,
)
from omniscope_automl.splitting import check_split_options, fill_split
from omniscope_service.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Mapping

    from omniscope.automl.v1.automl_service_pb2 import TrainRequest
    from omniscope_automl.spec import ProblemType

PROBLEM_TYPE_WORDS: Final = ("auto", "classification", *PROBLEM_TYPES)
DEFAULT_EXPERIMENT: Final = "default"
MAX_DESCRIPTION_CHARACTERS: Final = 2_000
MAX_TAGS: Final = 64
MAX_TAG_CHARACTERS: Final = 256

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
    fill_split(filled)
    if request.HasField("feature_selection"):
        fill_selection(filled)
    return filled


def check_options(request: TrainRequest) -> None:
    """Refuse options that no dataset could make work.

    Args:
        request: With its defaults filled in.

    Raises:
        InvalidArgument: Something is not allowed; the message says what is.
    """
    require_known(request.problem_type, PROBLEM_TYPE_WORDS, "problem_type", "PROBLEM_TYPE_UNKNOWN")
    require_known(request.quality, [p.name for p in PRESETS], "quality", "PRESET_UNKNOWN")
    require_in(request.time_limit, TIME_LIMIT_RANGE, "time_limit", "TIME_LIMIT_OUT_OF_RANGE")
    if request.HasField("deadline_seconds"):
        require_in(
            request.deadline_seconds, DEADLINE_RANGE, "deadline_seconds", "DEADLINE_OUT_OF_RANGE"
        )
    require_in(request.seed, SEED_RANGE, "seed", FIELD_INVALID)
    check_split_options(request)
    if request.HasField("feature_selection"):
        check_selection(request.feature_selection)
    _check_metric(request.eval_metric)
    _check_families(request)
    _check_labels(request)


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
            f"{field} {shown(name)} is not allowed; a name has 1 to {MAX_NAME_CHARACTERS} "
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
            f"request_id {shown(request_id)} is not a UUID.",
            reason=FIELD_INVALID,
            field="request_id",
        ) from error
