"""Describes sparse columns from their stored values and the number of their zeros."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from omniscope_ml.datasets.duplicates import mark_sparse_duplicates, sparse_digests
from omniscope_ml.datasets.frequencies import (
    EXACT_AS_FLOAT,
    describe_frequencies,
    runs_of_sorted,
)
from omniscope_ml.datasets.sparse import SparseColumns
from omniscope_ml.datasets.spread import (
    HISTOGRAM_BINS,
    ColumnProfile,
    add_figures,
    histogram_bins,
)

if TYPE_CHECKING:
    from scipy.sparse import csc_array

# What is computed beside them takes some ten times their space.
_SLAB_VALUES = 2**20


def profile_sparse(sparse: SparseColumns, first_position: int) -> list[ColumnProfile]:
    """Describe sparse columns; the first one stands at `first_position` of the table."""
    profiles: list[ColumnProfile] = [
        {"name": name, "position": first_position + place, "type": sparse.kind}
        for place, name in enumerate(sparse.names)
    ]
    matrix = sparse.values.tocsc()
    digests: list[int] = []
    for start, stop in _slabs(matrix.indptr):
        columns = _Columns(matrix[:, start:stop])
        _describe_spread(columns, profiles[start:stop])
        _describe_whole_numbers(columns, profiles[start:stop])
        digests += sparse_digests(columns.matrix)
    mark_sparse_duplicates(matrix, profiles, digests)
    return profiles


def _slabs(bounds: npt.NDArray[np.integer]) -> Iterator[tuple[int, int]]:
    """Divide columns into slabs of bounded numbers of values, one column at least.

    Args:
        bounds: Where the values of each column begin, and at last where they end.
    """
    start = 0
    while start < len(bounds) - 1:
        last = int(np.searchsorted(bounds, bounds[start] + _SLAB_VALUES, side="right")) - 1
        stop = max(last, start + 1)
        yield start, stop
        start = stop


class _Columns:
    """The stored values that are not missing, ordered by column, and the zeros beside them.

    Attributes:
        matrix: The matrix itself.
        owner: Column of each value, shape (values,).
        values: As float64, shape (values,).
        missing: Cells without a value, shape (columns,).
        zeros: Cells that are zero, shape (columns,).
    """

    def __init__(self, matrix: "csc_array[Any]") -> None:
        self.matrix = matrix
        rows, self.width = matrix.shape
        stored = np.diff(matrix.indptr)
        absent = np.isnan(matrix.data)
        owner = np.repeat(np.arange(self.width), stored)
        self.missing = np.bincount(owner[absent], minlength=self.width)
        self.zeros = rows - stored
        self.present = rows - self.missing
        self.owner = owner[~absent]
        self.values = matrix.data[~absent].astype(np.float64)

    def sums(self, values: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        sums = np.bincount(self.owner, weights=values, minlength=self.width)
        return sums.astype(np.float64, copy=False)

    def extremes(self, choose: np.ufunc, start: float) -> npt.NDArray[np.floating]:
        found = np.where(self.zeros > 0, 0.0, start)
        choose.at(found, self.owner, self.values)
        return found


def _describe_spread(columns: _Columns, profiles: list[ColumnProfile]) -> None:
    owner, values, zeros = columns.owner, columns.values, columns.zeros
    with np.errstate(all="ignore"):
        mean = columns.sums(values) / columns.present
        squares = columns.sums((values - mean[owner]) ** 2) + zeros * mean**2
        deviation = np.sqrt(squares / np.maximum(columns.present - 1, 0))
    lowest = columns.extremes(np.minimum, np.inf)
    highest = columns.extremes(np.maximum, -np.inf)
    bins = histogram_bins(values, lowest[owner], highest[owner])
    counts = np.bincount(owner * HISTOGRAM_BINS + bins, minlength=len(zeros) * HISTOGRAM_BINS)
    counts = counts.reshape(len(zeros), HISTOGRAM_BINS)
    counts[np.arange(len(zeros)), histogram_bins(np.zeros(len(zeros)), lowest, highest)] += zeros
    add_figures(
        profiles,
        {"min": lowest, "mean": mean, "max": highest, "standard_deviation": deviation},
        counts,
    )
    constant = (lowest >= highest).tolist()
    for described, count, one in zip(profiles, columns.missing.tolist(), constant, strict=True):
        described["missing_count"] = count
        described["constant"] = one


def _describe_whole_numbers(columns: _Columns, profiles: list[ColumnProfile]) -> None:
    owner, values = columns.owner, columns.values
    broken = (values != np.floor(values)) | (np.abs(values) > EXACT_AS_FLOAT)
    whole = np.bincount(owner[broken], minlength=columns.width) == 0
    chosen = np.flatnonzero(whole)
    place_of = np.cumsum(whole) - 1
    mine = whole[owner]
    order = np.lexsort((values[mine], owner[mine]))
    stored = runs_of_sorted(place_of[owner[mine]][order], values[mine][order].astype(np.int64))
    with_zeros = chosen[columns.zeros[chosen] > 0]
    zeros = (place_of[with_zeros], np.zeros_like(with_zeros), columns.zeros[with_zeros])
    runs = tuple(np.concatenate(parts) for parts in zip(stored, zeros, strict=True))
    describe_frequencies(
        (runs[0], runs[1], runs[2]), [profiles[i] for i in chosen.tolist()], float
    )
