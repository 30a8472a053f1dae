"""How a request wants its rows divided: defaults, ranges and strategy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from omniscope.common.v1 import split_pb2
from omniscope_service.errors import InvalidArgument
from omniscope_training.allowed import (
    FIELD_INVALID,
    require_in,
    require_known,
    require_share,
)
from omniscope_training.ranges import (
    DEFAULT_TEST_FRACTION,
    DEFAULT_VALIDATION_FRACTION,
    FOLDS_RANGE,
    SEED_RANGE,
    TEST_FRACTION_RANGE,
)

if TYPE_CHECKING:
    from omniscope_training.request import TrainingRequest
    from omniscope_training.target import Target

# The role that each strategy reads.
ROLE_BY_STRATEGY: Final = {
    split_pb2.SPLIT_STRATEGY_GROUP: "group_column",
    split_pb2.SPLIT_STRATEGY_TIME: "time_column",
    split_pb2.SPLIT_STRATEGY_PREDEFINED: "split_column",
}


def fill_split(request: TrainingRequest) -> None:
    """Fill in what the request alone decides: strategy by column, shares, seed."""
    split = request.split
    if split.strategy == split_pb2.SPLIT_STRATEGY_UNSPECIFIED:
        split.strategy = _strategy_by_column(request)
    predefined = split.strategy == split_pb2.SPLIT_STRATEGY_PREDEFINED
    if not split.HasField("test_fraction") and not predefined:
        split.test_fraction = DEFAULT_TEST_FRACTION
    if not split.HasField("seed"):
        split.seed = request.seed
    validated = split.HasField("folds") or split.HasField("validation_fraction") or predefined
    # Columns are then chosen by the rows that models are fitted on, and judged by others. A choice
    # that had seen all folds would seem to tell even shuffled labels.
    if request.HasField("feature_selection") and not validated:
        split.validation_fraction = DEFAULT_VALIDATION_FRACTION


def check_split_options(request: TrainingRequest) -> None:
    """Refuse a division that no dataset could make work.

    Raises:
        InvalidArgument: FIELD_REQUIRED without the strategy's column, FIELD_INVALID,
            TEST_FRACTION_OUT_OF_RANGE.
    """
    split = request.split
    strategies = split_pb2.SplitStrategy.DESCRIPTOR
    require_known(split.strategy, strategies.values_by_number, "split.strategy", FIELD_INVALID)
    require_in(split.seed, SEED_RANGE, "split.seed", FIELD_INVALID)
    _check_column(request)
    if split.HasField("test_fraction"):
        require_share(
            split.test_fraction,
            TEST_FRACTION_RANGE,
            "split.test_fraction",
            "TEST_FRACTION_OUT_OF_RANGE",
        )
    if split.HasField("validation_fraction"):
        field = "split.validation_fraction"
        require_share(split.validation_fraction, TEST_FRACTION_RANGE, field, FIELD_INVALID)
    if split.HasField("folds"):
        require_in(split.folds, FOLDS_RANGE, "split.folds", FIELD_INVALID)
    _check_contradictions(split)


def resolve_strategy(request: TrainingRequest, target: Target) -> None:
    """Choose the strategy that the problem asks for where the request names none."""
    if request.split.strategy == split_pb2.SPLIT_STRATEGY_UNSPECIFIED:
        request.split.strategy = (
            split_pb2.SPLIT_STRATEGY_RANDOM
            if target.problem_type == "regression"
            else split_pb2.SPLIT_STRATEGY_STRATIFIED
        )


def _strategy_by_column(request: TrainingRequest) -> split_pb2.SplitStrategy.ValueType:
    named = [s for s, field in ROLE_BY_STRATEGY.items() if getattr(request, field)]
    if len(named) > 1:
        fields = " and ".join(ROLE_BY_STRATEGY[strategy] for strategy in named)
        raise InvalidArgument(
            f"{fields} are set; name the one to divide rows by in split.strategy.",
            reason=FIELD_INVALID,
            field="split.strategy",
        )
    return named[0] if named else split_pb2.SPLIT_STRATEGY_UNSPECIFIED


def _check_column(request: TrainingRequest) -> None:
    field = ROLE_BY_STRATEGY.get(request.split.strategy)
    if field and not getattr(request, field):
        name = split_pb2.SplitStrategy.Name(request.split.strategy)
        raise InvalidArgument(
            f"split.strategy {name} needs {field}.", reason="FIELD_REQUIRED", field=field
        )


def _check_contradictions(split: split_pb2.SplitConfig) -> None:
    excluded: tuple[str, ...] = ()
    why = "split.folds is set"
    if split.strategy == split_pb2.SPLIT_STRATEGY_PREDEFINED:
        why = "split_column says which rows are held out and which validate"
        excluded = ("test_fraction", "validation_fraction", "folds")
    elif split.HasField("folds"):
        excluded = ("validation_fraction",)
    for name in excluded:
        if split.HasField(name):  # type: ignore[arg-type]  # one of its fields
            raise InvalidArgument(
                f"split.{name} cannot be set where {why}.",
                reason=FIELD_INVALID,
                field=f"split.{name}",
            )
