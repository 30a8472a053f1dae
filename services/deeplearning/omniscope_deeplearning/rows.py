"""The rows that a network is fitted on, and those that choose its epoch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from omniscope.common.v1 import split_pb2
from omniscope_service.errors import InvalidArgument
from omniscope_training.allowed import FIELD_INVALID
from omniscope_training.ranges import DEFAULT_VALIDATION_FRACTION
from omniscope_training.split_columns import one_part_validates

if TYPE_CHECKING:
    from omniscope.deeplearning.v1.deep_learning_service_pb2 import TrainRequest
    from omniscope_training.planner import RequestedTable


def fill_validation(request: TrainRequest) -> None:
    """Fill in the share of the training rows that validates.

    Raises:
        InvalidArgument: Folds are asked for, reason FIELD_INVALID.
    """
    split = request.split
    if split.HasField("folds"):
        raise InvalidArgument(
            "split.folds cannot be set: one part validates a network; allowed is "
            "split.validation_fraction.",
            reason=FIELD_INVALID,
            field="split.folds",
        )
    predefined = split.strategy == split_pb2.SPLIT_STRATEGY_PREDEFINED
    if not split.HasField("validation_fraction") and not predefined:
        split.validation_fraction = DEFAULT_VALIDATION_FRACTION


def check_validation(request: TrainRequest, table: RequestedTable) -> None:
    """Refuse a split column that names no rows that validate.

    Raises:
        InvalidArgument: SPLIT_PART_EMPTY.
    """
    if not one_part_validates(request, table.columns):
        raise InvalidArgument(
            f"split_column {request.split_column!r} names no row that validates, and a network "
            "needs some to choose its epoch; mark some as validation.",
            reason="SPLIT_PART_EMPTY",
            field="split_column",
        )


def check_rows(request: TrainRequest, table: RequestedTable) -> None:
    """Refuse batches of more rows than can be left to train on.

    Raises:
        InvalidArgument: FIELD_INVALID.
    """
    rows, training = _most_training_rows(request, table), request.training
    if training.HasField("batch_size") and training.batch_size > rows:
        raise InvalidArgument(
            f"training.batch_size is {training.batch_size}, and at most {rows} of "
            f"{table.target.rows} rows are left to train on; allowed is 1 to {rows}.",
            reason=FIELD_INVALID,
            field="training.batch_size",
        )


def _most_training_rows(request: TrainRequest, table: RequestedTable) -> int:
    """Return how many rows can be left; groups, times and classes may leave fewer."""
    split, rows = request.split, table.target.rows
    shares = (split.test_fraction, split.validation_fraction)
    if split.strategy not in (
        split_pb2.SPLIT_STRATEGY_RANDOM,
        split_pb2.SPLIT_STRATEGY_STRATIFIED,
    ):
        return rows - 2
    for share in shares:
        rows -= max(math.floor(rows * share), 1)
    return rows
