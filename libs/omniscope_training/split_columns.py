"""Divisions of rows that the profiles of target and split column show to be impossible."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from omniscope.common.v1 import split_pb2
from omniscope_ml.splits.words import names_validation, part_of, unknown_parts
from omniscope_service.errors import InvalidArgument
from omniscope_training.splitting import ROLE_BY_STRATEGY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from omniscope.common.v1.dataset_pb2 import DatasetColumn
    from omniscope_training.planner import RequestedTable
    from omniscope_training.request import TrainingRequest
    from omniscope_training.target import Target

# What a split must leave, so that some of it can rank candidates.
MIN_TRAINING_ROWS: Final = 10


def check_split(request: TrainingRequest, table: RequestedTable) -> None:
    """Refuse a division of the rows that target and split column do not allow.

    Rows without a target value take no part, and profiles do not know which those are: what
    depends on them is found when the rows are read.

    Args:
        request: With its split strategy filled in.
        table: What is known of its data.

    Raises:
        InvalidArgument: Stratified without classes, reason PROBLEM_TYPE_MISMATCH; a part without
            rows, or too few to train on, reason DATASET_TOO_SMALL; SPLIT_VALUE_MISSING,
            SPLIT_VALUE_UNKNOWN, GROUPS_TOO_FEW, TIMES_TOO_FEW.
    """
    strategy = request.split.strategy
    if strategy == split_pb2.SPLIT_STRATEGY_STRATIFIED:
        # Holds at least one row of each class out, so it needs classes and nothing else.
        _check_classes(table.target)
    elif strategy != split_pb2.SPLIT_STRATEGY_PREDEFINED:
        _check_counts(request.split, table.target)
    if field := ROLE_BY_STRATEGY.get(strategy):
        column = table.columns[getattr(request, field)]
        _check_complete(field, column, table.dataset.row_count, table.target.rows)
        _CHECKS[field](column, request.split)


def one_part_validates(request: TrainingRequest, columns: Mapping[str, DatasetColumn]) -> bool:
    """Return whether candidates are ranked by one part of the training rows, as far as known."""
    split = request.split
    if split.strategy != split_pb2.SPLIT_STRATEGY_PREDEFINED:
        return split.HasField("validation_fraction")
    listed = columns[request.split_column].top_values
    return any(names_validation(value.value) for value in listed)


def _check_classes(target: Target) -> None:
    if target.problem_type == "regression":
        raise InvalidArgument(
            "split.strategy is SPLIT_STRATEGY_STRATIFIED, which needs classes; for regression "
            "SPLIT_STRATEGY_RANDOM is allowed.",
            reason="PROBLEM_TYPE_MISMATCH",
            field="split.strategy",
        )


def _check_counts(split: split_pb2.SplitConfig, target: Target) -> None:
    held_out = round(target.rows * split.test_fraction)
    if held_out < 1 or target.rows - held_out < MIN_TRAINING_ROWS:
        raise InvalidArgument(
            f"split.test_fraction {split.test_fraction:g} of {target.rows} rows holds "
            f"{held_out} rows out; at least 1 must be held out and {MIN_TRAINING_ROWS} must be "
            "left to train on.",
            reason="DATASET_TOO_SMALL",
            field="split.test_fraction",
        )


def _check_complete(field: str, column: DatasetColumn, rows: int, labelled: int) -> None:
    if column.missing_count > rows - labelled:
        raise InvalidArgument(
            f"{field} {column.name!r} has no value in {column.missing_count} of {rows} rows; the "
            "split needs one in each.",
            reason="SPLIT_VALUE_MISSING",
            field=field,
        )


def _check_groups(column: DatasetColumn, split: split_pb2.SplitConfig) -> None:
    # One group at least is held out, and each fold needs one.
    _check_distinct("group", column, 1 + max(split.folds, 1), "GROUPS_TOO_FEW")


def _check_times(column: DatasetColumn, split: split_pb2.SplitConfig) -> None:
    # The newest are held out; the oldest only train, and each fold needs newer ones.
    _check_distinct("time", column, 2 + split.folds, "TIMES_TOO_FEW")


def _check_distinct(kind: str, column: DatasetColumn, needed: int, reason: str) -> None:
    distinct = column.distinct_count if column.HasField("distinct_count") else None
    if column.HasField("min") and column.min == column.max:
        distinct = 1
    if distinct is not None and distinct < needed:
        raise InvalidArgument(
            f"{kind}_column {column.name!r} has {distinct} distinct values; the split needs at "
            f"least {needed}.",
            reason=reason,
            field=f"{kind}_column",
        )


def _check_parts(column: DatasetColumn, split: split_pb2.SplitConfig) -> None:
    listed = [value.value for value in column.top_values]
    unknown = [value for value in listed if part_of(value) is None]
    if unknown or not column.HasField("distinct_count"):
        error = unknown_parts(column.name, unknown or ["more than 1,000 distinct values"])
        raise InvalidArgument(f"{error.message}.", reason=error.reason, field=error.field)


_CHECKS: Final = {
    "group_column": _check_groups,
    "time_column": _check_times,
    "split_column": _check_parts,
}
