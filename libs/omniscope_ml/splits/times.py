"""Rows divided by time: what is newer never trains what is judged on the older."""

import numpy as np
import numpy.typing as npt

from omniscope_ml.errors import DataError
from omniscope_ml.splits.parts import Mask, Rows
from omniscope_ml.splits.table import SplitTable

FIELD = "time_column"


def newest_rows(table: SplitTable, fraction: float) -> Mask:
    """Choose the newest rows, about a share of all; rows of one time stay together.

    Raises:
        DataError: TIMES_TOO_FEW when all rows have one time, SPLIT_VALUE_MISSING.
    """
    return np.asarray(blocks_of_time(table, np.array([1 - fraction, fraction])) == 1)


def folds_of_time(table: SplitTable, folds: int) -> Rows:
    """Return the block of each row, oldest first: one more than folds, for the first only trains.

    Raises:
        DataError: TIMES_TOO_FEW when there are not more times than folds, SPLIT_VALUE_MISSING.
    """
    return blocks_of_time(table, np.full(folds + 1, 1 / (folds + 1)), "split.folds")


def blocks_of_time(table: SplitTable, shares: npt.NDArray[np.float64], field: str = FIELD) -> Rows:
    """Return the block of each row: 0 has the oldest; rows of one time are in one block.

    Every block has at least one time, and otherwise about its share of the rows.
    """
    times, place, counts = np.unique(
        table.known_values(FIELD), return_inverse=True, return_counts=True
    )
    if len(times) < len(shares):
        raise _too_few(table, len(times), len(shares), field)
    until = np.cumsum(counts)
    ends = np.searchsorted(until, np.cumsum(shares)[:-1] * table.rows)
    ends = _nearest(ends, until, np.cumsum(shares)[:-1] * table.rows)
    first, last = np.arange(len(ends)), len(times) - 1 - len(ends) + np.arange(len(ends))
    # Each end lies behind the one before it and leaves a time to every block that follows.
    ends = np.minimum(np.maximum.accumulate(np.maximum(ends, first) - first) + first, last)
    return np.searchsorted(ends, np.arange(len(times)), side="left")[place]


def _nearest(ends: Rows, until: Rows, wanted: npt.NDArray[np.float64]) -> Rows:
    """Return the times after which a block ends, so that its rows are closest to those wanted."""
    before = np.maximum(ends - 1, 0)
    ends = np.minimum(ends, len(until) - 1)
    closer = np.abs(until[before] - wanted) < np.abs(until[ends] - wanted)
    return np.where(closer, before, ends)


def _too_few(table: SplitTable, times: int, needed: int, field: str) -> DataError:
    counted = "1 distinct time" if times == 1 else f"{times} distinct times"
    return DataError(
        f"{FIELD} {table.column!r} has {counted} in {table.rows} rows; the split needs at least "
        f"{needed}",
        reason="TIMES_TOO_FEW",
        field=field,
    )
