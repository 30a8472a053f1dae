"""Rows divided as a column says, whose values `words` knows.

Rows of `train` train in every fold. Where all are numbers, the rows of the highest are held out.
"""

import numpy as np

from omniscope_ml.errors import DataError
from omniscope_ml.splits import words
from omniscope_ml.splits.parts import Fold, HoldOut, Rows, folds_by_number, held_out_where
from omniscope_ml.splits.table import SplitTable


def predefined_hold_out(table: SplitTable) -> HoldOut:
    """Hold out the rows that the column names.

    Raises:
        DataError: SPLIT_VALUE_UNKNOWN, SPLIT_VALUE_MISSING, SPLIT_PART_EMPTY with the counts.
    """
    parts = _parts(table)
    hold_out = held_out_where(parts == (words.TEST if (parts < 0).any() else parts.max()))
    training = np.count_nonzero(parts[hold_out.train] != words.VALIDATION)
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
    if (parts == words.VALIDATION).any():
        return folds_by_number(np.where(parts == words.VALIDATION, 0, -1))
    folds = folds_by_number(parts)
    return () if any(len(fold.train) == 0 for fold in folds) else folds


def _parts(table: SplitTable) -> Rows:
    """Return the part of each row: a fold's number, or one of the three below 0."""
    import pandas as pd

    places, found = pd.factorize(table.known_values(words.FIELD))
    named = {str(value): words.part_of(str(value)) for value in found}
    unknown = [value for value, part in named.items() if part is None]
    if unknown:
        raise words.unknown_parts(table.column, unknown)
    parts = np.array([-1 if part is None else part for part in named.values()], dtype=np.int64)
    if (parts == words.VALIDATION).any() and (parts >= 0).any():
        raise DataError(
            f"{words.FIELD} {table.column!r} has both validation and numbers of folds; allowed "
            "are train, validation and test, or train, test and numbers",
            reason="SPLIT_VALUE_UNKNOWN",
            field=words.FIELD,
        )
    return np.asarray(parts[places])


def _empty(table: SplitTable, part: str) -> DataError:
    return DataError(
        f"{words.FIELD} {table.column!r} has no row for the {part} part among {table.rows} rows",
        reason="SPLIT_PART_EMPTY",
        field=words.FIELD,
    )
