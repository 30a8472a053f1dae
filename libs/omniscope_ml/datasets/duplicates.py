"""Finds columns that repeat another: the same values in the same rows under another name."""

import hashlib
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from omniscope_ml.datasets.columns import Stack
from omniscope_ml.datasets.spread import ColumnProfile

if TYPE_CHECKING:
    from scipy.sparse import csc_array


def content_digests(stack: Stack) -> list[int]:
    """Return a number for each numeric column; columns of the same content have the same one."""
    weights = _weights(stack.values.shape[1])
    sums = (_bits(stack.values) * weights).sum(axis=1, dtype=np.uint64)
    if stack.missing is not None:
        sums = sums * np.uint64(3) + (stack.missing * weights).sum(axis=1, dtype=np.uint64)
    digests: list[int] = sums.tolist()
    return digests


def mark_duplicates(
    batch: pa.RecordBatch, profiles: list[ColumnProfile], digests: Mapping[int, int]
) -> None:
    """Name in a column's profile the first column that it repeats.

    Constant columns are left out: they are reported as such.

    Args:
        batch: The table.
        profiles: One for each column.
        digests: Content digest of each numeric column, by position.
    """
    columns = batch.columns
    keyed: list[tuple[int, Hashable]] = [
        (i, (kind, digests[i] if i in digests else _bytes_digest(batch, i)))
        for i, kind in enumerate(batch.schema.types)
        if not profiles[i]["constant"]
    ]
    _mark(keyed, profiles, lambda one, other: _same(columns[one], columns[other]))


def sparse_digests(columns: "csc_array[Any]") -> list[int]:
    """As `content_digests`, for the columns of a sparse matrix in canonical form."""
    bounds = columns.indptr
    weighted = _bits(columns.data) * _weights(columns.shape[0])[columns.indices]
    totals = np.concatenate([np.zeros(1, np.uint64), np.cumsum(weighted, dtype=np.uint64)])
    digests: list[int] = (totals[bounds[1:]] - totals[bounds[:-1]]).tolist()
    return digests


def mark_sparse_duplicates(
    columns: "csc_array[Any]", profiles: list[ColumnProfile], digests: Sequence[int]
) -> None:
    """As `mark_duplicates`, for the columns of a sparse matrix in canonical form."""
    bounds, rows, values = columns.indptr, columns.indices, columns.data
    chosen = [(i, d) for i, d in enumerate(digests) if not profiles[i]["constant"]]

    def same(one: int, other: int) -> bool:
        a, b = (slice(bounds[i], bounds[i + 1]) for i in (one, other))
        return np.array_equal(rows[a], rows[b]) and np.array_equal(
            values[a], values[b], equal_nan=True
        )

    _mark(chosen, profiles, same)


def _mark(
    digests: Iterable[tuple[int, Hashable]],
    profiles: list[ColumnProfile],
    same: Callable[[int, int], bool],
) -> None:
    first_with: dict[Hashable, int] = {}
    for position, digest in digests:
        first = first_with.setdefault(digest, position)
        if first != position and same(first, position):
            profiles[position]["duplicate_of"] = profiles[first]["name"]


def _weights(rows: int) -> npt.NDArray[np.uint64]:
    """Return an odd factor for each row: sums of products then depend on the rows' order."""
    factors = np.random.default_rng(0).integers(2**63, size=rows, dtype=np.uint64)
    return factors * np.uint64(2) + np.uint64(1)


def _bits(values: npt.NDArray[Any]) -> npt.NDArray[np.uint64]:
    if values.dtype.kind == "i":
        return values.astype(np.uint64)
    # Adding zero makes one of -0 and 0; there are many NaN, and here they are one.
    clean = np.where(np.isnan(values), np.nan, values + 0).astype(np.float64)
    return clean.view(np.uint64)


def _same(one: "pa.Array[Any]", other: "pa.Array[Any]") -> bool:
    if not pa.types.is_floating(one.type):
        return one.equals(other)
    first, second = (column.to_numpy(zero_copy_only=False) for column in (one, other))
    return np.array_equal(first, second, equal_nan=True)


def _bytes_digest(batch: pa.RecordBatch, position: int) -> bytes:
    return hashlib.blake2b(batch.select([position]).serialize()).digest()
