"""The kind of problem that a target column poses, and whether it can be learned at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from omniscope_service.errors import InvalidArgument
from omniscope_training.columns import NUMERIC_TYPES

if TYPE_CHECKING:
    from omniscope.common.v1.dataset_pb2 import Dataset, DatasetColumn
    from omniscope_ml.training.spec import ProblemType
    from omniscope_training.request import TrainingRequest

MIN_ROWS: Final = 20
# One to train on, one to rank candidates by, one to hold out.
MIN_CLASS_ROWS: Final = 3
# Whole numbers stand for classes when they repeat this often, as AutoGluon decides it.
_SMALL_TABLE_ROWS: Final = 1_000
_CLASS_SHARE_OF_SMALL: Final = 0.1
_CLASS_SHARE_OF_LARGE: Final = 0.05
# How many of a column's values its profile lists, leaving out texts of more than 1,000 characters.
_LISTED_VALUES: Final = 20
_FIELD: Final = "target_column"


@dataclass(frozen=True)
class Target:
    """A target column as it will be learned.

    Attributes:
        problem_type: What is learned.
        positive_class: Class that binary metrics call positive; None for other problems.
        rows: Rows that have a value.
    """

    problem_type: ProblemType
    positive_class: str | None
    rows: int


def resolve_target(request: TrainingRequest, dataset: Dataset, column: DatasetColumn) -> Target:
    """Decide what is learned, and refuse what cannot be.

    Raises:
        InvalidArgument: Reasons DATASET_TOO_SMALL, TARGET_SINGLE_CLASS, TARGET_CLASS_TOO_SMALL,
            TARGET_NOT_NUMERIC, PROBLEM_TYPE_MISMATCH, POSITIVE_CLASS_UNKNOWN.
    """
    rows = dataset.row_count - column.missing_count
    _check_varies(column, rows)
    _check_rows(dataset, column, rows)
    problem_type = _problem_type(request.problem_type, column, rows)
    if problem_type != "regression":
        _check_classes(column, rows)
    return Target(
        problem_type, _positive_class(request.positive_class, problem_type, column), rows
    )


def _check_varies(column: DatasetColumn, rows: int) -> None:
    single = rows == 0 or (
        column.distinct_count <= 1
        if column.HasField("distinct_count")
        else column.HasField("min") and column.min == column.max
    )
    if single:
        held = "one value" if rows else "no value"
        raise _refusal(
            "TARGET_SINGLE_CLASS",
            f"{_FIELD} {column.name!r} has {held} in all rows; there is nothing to learn.",
        )


def _check_rows(dataset: Dataset, column: DatasetColumn, rows: int) -> None:
    if rows < MIN_ROWS:
        raise InvalidArgument(
            f"Dataset {dataset.name!r} has {rows} rows with a value in {column.name!r}; at least "
            f"{MIN_ROWS} are needed.",
            reason="DATASET_TOO_SMALL",
            field="dataset_id",
        )


def _problem_type(asked: str, column: DatasetColumn, rows: int) -> ProblemType:
    if asked == "regression":
        return _regression(column)
    if asked == "auto" and not _looks_like_classes(column, rows):
        return _regression(column)
    return _classification(asked, column)


def _looks_like_classes(column: DatasetColumn, rows: int) -> bool:
    if column.type not in NUMERIC_TYPES:
        return True
    if not column.HasField("distinct_count"):
        return False
    share = _CLASS_SHARE_OF_SMALL if rows <= _SMALL_TABLE_ROWS else _CLASS_SHARE_OF_LARGE
    return column.distinct_count == 2 or column.distinct_count <= share * rows


def _regression(column: DatasetColumn) -> ProblemType:
    if column.type not in NUMERIC_TYPES:
        raise _refusal(
            "TARGET_NOT_NUMERIC",
            f"{_FIELD} {column.name!r} is {column.type}; regression needs numbers.",
        )
    return "regression"


def _classification(asked: str, column: DatasetColumn) -> ProblemType:
    if column.type == "timestamp":
        raise _mismatch(
            f"{_FIELD} {column.name!r} is timestamp; classes are text, whole numbers or booleans."
        )
    if not column.HasField("distinct_count"):
        found = "fractions or " if column.type in ("float32", "float64") else ""
        raise _mismatch(
            f"{_FIELD} {column.name!r} has {found}more than 1,000 distinct values; classes are at "
            "most 1,000 texts, whole numbers or booleans."
            + (" Allowed for it: regression." if column.type in NUMERIC_TYPES else "")
        )
    if len(column.top_values) < min(column.distinct_count, _LISTED_VALUES):
        raise _mismatch(
            f"{_FIELD} {column.name!r} has values of more than 1,000 characters; classes are "
            "shorter."
        )
    kind: ProblemType = "binary" if column.distinct_count == 2 else "multiclass"
    if asked in ("binary", "multiclass") and asked != kind:
        raise _mismatch(
            f"{_FIELD} {column.name!r} has {column.distinct_count} classes, which is not {asked}; "
            f"allowed for it are {kind}, classification and auto."
        )
    return kind


def _check_classes(column: DatasetColumn, rows: int) -> None:
    smallest = column.top_values[-1]
    listed = sum(value.count for value in column.top_values)
    unlisted = column.distinct_count - len(column.top_values)
    if smallest.count < MIN_CLASS_ROWS:
        found = f"class {smallest.value[:64]!r} has {smallest.count}"
    elif rows - listed < unlisted * MIN_CLASS_ROWS:
        found = f"{unlisted} of its classes have {rows - listed} together"
    else:
        return
    raise _refusal(
        "TARGET_CLASS_TOO_SMALL",
        f"{_FIELD} {column.name!r} needs at least {MIN_CLASS_ROWS} rows of each class; {found}.",
    )


def _positive_class(asked: str, problem_type: ProblemType, column: DatasetColumn) -> str | None:
    if problem_type != "binary":
        if asked:
            raise _positive_class_unknown(asked, f"{problem_type} problems have none")
        return None
    classes = sorted_classes(column)
    if asked and asked not in classes:
        raise _positive_class_unknown(asked, f"allowed are {', '.join(map(repr, classes))}")
    return asked or classes[1]


def sorted_classes(column: DatasetColumn) -> list[str]:
    """Return the listed classes in their native order: numbers by value, text by code point."""
    values = [value.value for value in column.top_values]
    return sorted(values, key=float) if column.type in NUMERIC_TYPES else sorted(values)


def _positive_class_unknown(asked: str, allowed: str) -> InvalidArgument:
    return InvalidArgument(
        f"positive_class {asked[:128]!r} is not a class; {allowed}.",
        reason="POSITIVE_CLASS_UNKNOWN",
        field="positive_class",
    )


def _mismatch(message: str) -> InvalidArgument:
    return InvalidArgument(message, reason="PROBLEM_TYPE_MISMATCH", field="problem_type")


def _refusal(reason: str, message: str) -> InvalidArgument:
    return InvalidArgument(message, reason=reason, field=_FIELD)
