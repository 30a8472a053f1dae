"""Checks of what every training request says by itself, whatever its dataset holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from omniscope_service.errors import InvalidArgument
from omniscope_service.names import check_name, check_uuid
from omniscope_training.allowed import (
    FIELD_INVALID,
    require_in,
    require_known,
)
from omniscope_training.feature_selection import check_selection, fill_selection
from omniscope_training.ranges import (
    DEADLINE_RANGE,
    DEFAULT_SEED,
    PROBLEM_TYPES,
    SEED_RANGE,
)
from omniscope_training.splitting import check_split_options, fill_split

if TYPE_CHECKING:
    from collections.abc import Mapping

    from omniscope_training.request import TrainingRequest

PROBLEM_TYPE_WORDS: Final = ("auto", "classification", *PROBLEM_TYPES)
DEFAULT_EXPERIMENT: Final = "default"
MAX_DESCRIPTION_CHARACTERS: Final = 2_000
MAX_TAGS: Final = 64
MAX_TAG_CHARACTERS: Final = 256


def fill_shared_options(request: TrainingRequest) -> None:
    """Fill in the defaults that all trainings share and that depend on nothing but the request."""
    request.problem_type = request.problem_type or "auto"
    request.experiment = request.experiment or DEFAULT_EXPERIMENT
    if not request.HasField("seed"):
        request.seed = DEFAULT_SEED
    fill_split(request)
    if request.HasField("feature_selection"):
        fill_selection(request)


def check_shared_options(request: TrainingRequest) -> None:
    """Refuse what no training and no dataset could make work.

    Args:
        request: With its defaults filled in.

    Raises:
        InvalidArgument: Something is not allowed; the message says what is.
    """
    require_known(request.problem_type, PROBLEM_TYPE_WORDS, "problem_type", "PROBLEM_TYPE_UNKNOWN")
    if request.HasField("deadline_seconds"):
        require_in(
            request.deadline_seconds, DEADLINE_RANGE, "deadline_seconds", "DEADLINE_OUT_OF_RANGE"
        )
    require_in(request.seed, SEED_RANGE, "seed", FIELD_INVALID)
    check_split_options(request)
    if request.HasField("feature_selection"):
        check_selection(request.feature_selection)
    _check_labels(request)


def _check_labels(request: TrainingRequest) -> None:
    if request.model_name:
        check_name(request.model_name, field="model_name")
    check_name(request.experiment, field="experiment")
    if len(request.description) > MAX_DESCRIPTION_CHARACTERS:
        raise InvalidArgument(
            f"description has {len(request.description)} characters; it may have up to "
            f"{MAX_DESCRIPTION_CHARACTERS}.",
            reason=FIELD_INVALID,
            field="description",
        )
    _check_tags(request.tags)
    if request.request_id:
        check_uuid(request.request_id, field="request_id")


def _check_tags(tags: Mapping[str, str]) -> None:
    longest = max((len(text) for item in tags.items() for text in item), default=0)
    if len(tags) > MAX_TAGS or longest > MAX_TAG_CHARACTERS or "" in tags:
        raise InvalidArgument(
            f"tags has {len(tags)} entries, the longest key or value has {longest} characters; "
            f"allowed are {MAX_TAGS} entries of {MAX_TAG_CHARACTERS} characters, keys not empty.",
            reason=FIELD_INVALID,
            field="tags",
        )
