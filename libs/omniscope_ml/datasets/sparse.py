"""Sparse numeric columns: how they are checked, stored as three arrays, and opened again."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from omniscope_ml.errors import DataError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

# Arrow counts the values of a list column in 32 bits.
MAX_VALUES = 2**31 - 1


@dataclass(frozen=True)
class SparseColumns:
    """Columns that mostly hold zeros.

    Attributes:
        names: One for each column.
        values: Shape (rows, columns), float32 or float64, in canonical form: sorted, no value
            twice, no zero stored. NaN where a value is missing.
    """

    names: list[str]
    values: "csr_array[Any]"

    @property
    def kind(self) -> str:
        """Stored type of the columns."""
        return str(self.values.dtype)


def sparse_columns(names: list[str], matrix: "csr_array[Any]") -> SparseColumns:
    """Bring sparse values into the form that is stored: float32 where that is exact.

    Args:
        names: One for each column.
        matrix: Shape (rows, columns), of numbers.

    Raises:
        DataError: DATASET_MALFORMED for a value that is there twice or infinite;
            DATASET_TOO_LARGE beyond 2^31 - 1 values.
    """
    if matrix.nnz > MAX_VALUES:
        raise DataError(
            f"X stores {matrix.nnz} values; at most {MAX_VALUES} are allowed",
            reason="DATASET_TOO_LARGE",
            field="data",
        )
    stored = matrix.nnz
    matrix.sum_duplicates()
    if matrix.nnz != stored:
        raise _malformed("X gives more than one value for a cell")
    matrix.eliminate_zeros()
    matrix.data = _narrowed(matrix.data)
    columns = SparseColumns(names, matrix)
    _check_finite(columns)
    return columns


def to_arrow(columns: SparseColumns) -> "pa.Array[Any]":
    """Lay the three arrays of the CSR form into one list column: (column, value) pairs by row."""
    matrix = columns.values
    pairs = pa.StructArray.from_arrays(
        [pa.array(matrix.indices.astype(np.int32, copy=False)), pa.array(matrix.data)],
        names=["column", "value"],
    )
    return pa.ListArray.from_arrays(pa.array(matrix.indptr.astype(np.int32, copy=False)), pairs)


def from_arrow(array: "pa.Array[Any]", width: int) -> "csr_array[Any]":
    """Open a list column as the matrix that it was, without a copy; shape (rows, width)."""
    from scipy.sparse import csr_array

    lists: Any = array
    indices, values = lists.values.flatten()
    parts = (values.to_numpy(), indices.to_numpy(), lists.offsets.to_numpy())
    return csr_array(parts, shape=(len(lists), width), copy=False)


def _narrowed(values: npt.NDArray[Any]) -> npt.NDArray[np.floating]:
    if values.dtype == np.float32:
        return values
    with np.errstate(over="ignore"):
        narrow = values.astype(np.float32)
        wide = values.astype(np.float64)
        exact = (narrow == wide) | np.isnan(wide)
    return narrow if bool(exact.all()) else wide


def _check_finite(columns: SparseColumns) -> None:
    infinite = np.flatnonzero(np.isinf(columns.values.data))
    if len(infinite):
        place = infinite[0]
        row = int(np.searchsorted(columns.values.indptr, place, side="right"))
        name = columns.names[columns.values.indices[place]]
        raise _malformed(f"column {name!r} is infinite in data row {row}")


def _malformed(why: str) -> DataError:
    return DataError(why, reason="DATASET_MALFORMED", field="data")
