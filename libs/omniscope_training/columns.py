"""Which column plays which role: what a request names, and what it leaves open."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from omniscope_service.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from omniscope.common.v1.dataset_pb2 import Dataset, DatasetColumn
    from omniscope_training.request import TrainingRequest

NUMERIC_TYPES: Final = frozenset({"float32", "float64", "int64"})
_SINGLE_ROLES: Final = (
    "target_column",
    "key_column",
    "weight_column",
    "group_column",
    "time_column",
    "split_column",
)
_LIST_ROLES: Final = ("feature_columns", "ignore_columns")
# Looking for a likely misspelling costs time for every name.
_COMPARED_NAMES: Final = 5_000
_SHOWN_NAMES: Final = 8
_LIKENESS: Final = 0.75


@dataclass(frozen=True)
class Features:
    """The columns to predict from.

    Attributes:
        names: The request's own, in its order, or the table's, in the table's order.
        left_out: Columns that were not chosen because they look like sample ids.
    """

    names: tuple[str, ...]
    left_out: tuple[str, ...]


def named_columns(request: TrainingRequest) -> Iterator[tuple[str, str]]:
    """Yield (field path, column name) of every column that a request names."""
    for field in _SINGLE_ROLES:
        if name := getattr(request, field):
            yield field, name
    for field in _LIST_ROLES:
        for index, name in enumerate(getattr(request, field)):
            yield f"{field}[{index}]", name


def unknown_column(
    request: TrainingRequest, columns: Mapping[str, DatasetColumn]
) -> tuple[str, str] | None:
    """Return (field path, column name) of the first named column that is not there, if any."""
    return next((item for item in named_columns(request) if item[1] not in columns), None)


def column_not_found(
    field: str, name: str, dataset: Dataset, names: Sequence[str]
) -> InvalidArgument:
    """Return the error about a column that is not there; it names what the user may have meant."""
    close = difflib.get_close_matches(name, names[:_COMPARED_NAMES], n=3, cutoff=_LIKENESS)
    shown = ", ".join(repr(other) for other in close or islice(names, _SHOWN_NAMES))
    more = "" if close or len(names) <= _SHOWN_NAMES else f" and {len(names) - _SHOWN_NAMES} more"
    hint = f"did you mean {shown}?" if close else f"its columns are {shown}{more}."
    return InvalidArgument(
        f"{field} {name[:256]!r} is not a column of dataset {dataset.name!r}; {hint}",
        reason="COLUMN_NOT_FOUND",
        field=field,
    )


def check_roles(request: TrainingRequest, columns: Mapping[str, DatasetColumn]) -> None:
    """Refuse a column with two roles, a weight that is no weight and a time that is none.

    Raises:
        InvalidArgument: Reason COLUMN_ROLE_CONFLICT.
    """
    roles: dict[str, str] = {}
    for field, name in named_columns(request):
        if name in roles:
            raise _conflict(
                field, f"{field} {name!r} is {roles[name]} too; a column has one role."
            )
        roles[name] = field
    if request.weight_column:
        _check_weight(columns[request.weight_column])
    if request.time_column:
        _check_time(columns[request.time_column])


def choose_features(
    request: TrainingRequest, dataset: Dataset, columns: Mapping[str, DatasetColumn]
) -> Features:
    """Return the columns to predict from; `columns` holds the whole table when none is named.

    Raises:
        InvalidArgument: None is left, reason NO_FEATURE_COLUMNS.
    """
    if request.feature_columns:
        return Features(tuple(request.feature_columns), ())
    taken = {name for _, name in named_columns(request)}
    likely_keys = set(dataset.likely_key_columns) - taken
    free = [name for name in columns if name not in taken]
    features = tuple(name for name in free if name not in likely_keys)
    if not features:
        raise InvalidArgument(
            f"Dataset {dataset.name!r} has no column left to predict from, besides those with "
            "another role and likely sample ids; name some in feature_columns.",
            reason="NO_FEATURE_COLUMNS",
            field="feature_columns",
        )
    return Features(features, tuple(name for name in free if name in likely_keys))


def check_features_vary(
    features: Features, dataset: Dataset, columns: Mapping[str, DatasetColumn]
) -> None:
    """Refuse features that all have one value: rows could not be told apart.

    Raises:
        InvalidArgument: Reason NO_FEATURE_COLUMNS.
    """
    if all(_tells_nothing(columns[name], dataset.row_count) for name in features.names):
        raise InvalidArgument(
            f"No feature has two different values in dataset {dataset.name!r}, "
            f"{features.names[0]!r} for one; name others in feature_columns.",
            reason="NO_FEATURE_COLUMNS",
            field="feature_columns",
        )


def _tells_nothing(column: DatasetColumn, rows: int) -> bool:
    # A gap beside the one value may tell something.
    return column.missing_count == rows or (column.constant and not column.missing_count)


def _check_weight(column: DatasetColumn) -> None:
    field = "weight_column"
    if column.type not in NUMERIC_TYPES:
        raise _conflict(field, f"{field} {column.name!r} is {column.type}; weights are numbers.")
    if column.missing_count:
        raise _conflict(
            field,
            f"{field} {column.name!r} has {column.missing_count} rows without a value; every row "
            "needs a weight.",
        )
    if column.min < 0 or column.max <= 0:
        raise _conflict(
            field,
            f"{field} {column.name!r} has values from {column.min:g} to {column.max:g}; weights "
            "are not negative and not all 0.",
        )


def _check_time(column: DatasetColumn) -> None:
    if column.type not in NUMERIC_TYPES and column.type != "timestamp":
        field = "time_column"
        raise _conflict(
            field, f"{field} {column.name!r} is {column.type}; times are numbers or timestamps."
        )


def _conflict(field: str, message: str) -> InvalidArgument:
    return InvalidArgument(message, reason="COLUMN_ROLE_CONFLICT", field=field)
