"""Rows divided as a column says.

Allowed in it, whatever the case: `train` or `training`; `validation`, `valid`, `val` or `dev`;
`test`, `testing` or `holdout`; and whole numbers from 0, which are validation folds. Rows of
`train` train in every fold. Where all are numbers, the rows of the highest are held out.
"""

from typing import Final

import numpy as np

from omniscope_ml.errors import DataError
from omniscope_ml.splits.parts import Fold, HoldOut, Rows, folds_by_number, held_out_where
from omniscope_ml.splits.table import SplitTable

FIELD = "split_column"
TRAIN: Final = frozenset({"train", "training"})
VALIDATION: Final = frozenset({"validation", "valid", "val", "dev"})
TEST: Final = frozenset({"test", "testing", "holdout"})

_TRAIN, _VALIDATION, _TEST = -1, -2, -3
_SHOWN = 5
# All numbers of so many digits fit into 64 bits.
_MAX_DIGITS = 18


def part_of(text: str) -> int | None:
    """Return the fold that a value names, a number below 0 for the words; None: not allowed.

    >>> part_of("3"), part_of("fold three") is None
    (3, True)
    """
    word = text.strip().lower()
    for words, part in ((TRAIN, _TRAIN), (VALIDATION, _VALIDATION), (TEST, _TEST)):
        if word in words:
            return part
    whole = word.removesuffix(".0")
    is_number = whole.isascii() and whole.isdigit() and len(whole) <= _MAX_DIGITS
    return int(whole) if is_number else None


def names_validation(text: str) -> bool:
    """Return whether a value names the one part that validates."""
    return part_of(text) == _VALIDATION


def predefined_hold_out(table: SplitTable) -> HoldOut:
    """Hold out the rows that the column names.

    Raises:
        DataError: SPLIT_VALUE_UNKNOWN, SPLIT_VALUE_MISSING, SPLIT_PART_EMPTY with the counts.
    """
    parts = _parts(table)
    hold_out = held_out_where(parts == (_TEST if (parts < 0).any() else parts.max()))
    training = np.count_nonzero(parts[hold_out.train] != _VALIDATION)
    for rows, name in ((len(hold_out.test), "test"), (training, "train")):
        if not rows:
            raise _empty(table, name)
    return hold_out


def predefined_folds(table: SplitTable, rows: Rows) -> tuple[Fold, ...]:
    """Return the folds of the training rows that the column names; none where it names none.

    Args:
        table: All rows.
        rows: The training rows; the folds' places count within them.
    """
    parts = _parts(table)[rows]
    if (parts == _VALIDATION).any():
        return folds_by_number(np.where(parts == _VALIDATION, 0, -1))
    folds = folds_by_number(parts)
    return () if any(len(fold.train) == 0 for fold in folds) else folds


def _parts(table: SplitTable) -> Rows:
    """Return the part of each row: a fold's number, or one of the three below 0."""
    import pandas as pd

    places, found = pd.factorize(table.known_values(FIELD))
    named = {str(value): part_of(str(value)) for value in found}
    unknown = [value for value, part in named.items() if part is None]
    if unknown:
        raise unknown_parts(table.column, unknown)
    parts = np.array([-1 if part is None else part for part in named.values()], dtype=np.int64)
    if (parts == _VALIDATION).any() and (parts >= 0).any():
        raise DataError(
            f"{FIELD} {table.column!r} has both validation and numbers of folds; allowed are "
            "train, validation and test, or train, test and numbers",
            reason="SPLIT_VALUE_UNKNOWN",
            field=FIELD,
        )
    return np.asarray(parts[places])


def unknown_parts(column: str, values: list[str]) -> DataError:
    """Return the error about values that name no part."""
    shown = ", ".join(repr(value[:64]) for value in values[:_SHOWN])
    more = f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
    return DataError(
        f"{FIELD} {column!r} has {shown}{more}; allowed are train, validation, test and whole "
        "numbers from 0 for folds",
        reason="SPLIT_VALUE_UNKNOWN",
        field=FIELD,
    )


def _empty(table: SplitTable, part: str) -> DataError:
    return DataError(
        f"{FIELD} {table.column!r} has no row for the {part} part among {table.rows} rows",
        reason="SPLIT_PART_EMPTY",
        field=FIELD,
    )
