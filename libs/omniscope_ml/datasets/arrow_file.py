"""The stored form of a table: an uncompressed Arrow file whose numbers open as matrices at once.

Numeric columns of one type form one FixedSizeList column, a row-major matrix of shape
(rows, columns of that type); a missing float is NaN, a missing integer a null. Other columns stay
columns, called by their position. The schema's metadata holds names and types in the order of the
table. Sparse columns are one list column, whose buffers are the three arrays of a CSR matrix.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from omniscope_ml.datasets.columns import NUMERIC_TYPES, STORED_TYPES
from omniscope_ml.datasets.sparse import from_arrow
from omniscope_ml.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csc_array, csr_array

METADATA_KEY = b"omniscope"
SPARSE_KIND = "sparse"
_MATRIX_KINDS = (*NUMERIC_TYPES, SPARSE_KIND)


def open_dataset(path: Path) -> "Dataset":
    """Open a stored table, memory-mapped: nothing is read before it is asked for.

    Raises:
        DataError: DATASET_MALFORMED when the file is not a stored table.
    """
    try:
        batch = pa.ipc.open_file(pa.memory_map(str(path))).get_batch(0)
        layout = json.loads(batch.schema.metadata[METADATA_KEY])
    except (pa.ArrowInvalid, KeyError, TypeError) as error:
        raise DataError(
            f"{path.name} is not a stored dataset", reason="DATASET_MALFORMED"
        ) from error
    names = layout["names"]
    return Dataset(batch, names, layout["types"], layout.get("sparse_from", len(names)))


@dataclass(frozen=True)
class Dataset:
    """A stored table, opened.

    Attributes:
        column_names: In the table's order.
        column_types: Stored type of each column, in the same order.
    """

    _batch: pa.RecordBatch
    column_names: list[str]
    column_types: list[str]
    _sparse_from: int

    @property
    def num_rows(self) -> int:
        """Number of rows."""
        return self._batch.num_rows

    def type_of(self, name: str) -> str:
        """Return a column's stored type."""
        return self.column_types[self._position(name)]

    def head(self, rows: int) -> "Dataset":
        """Return the first rows, at most so many, as a dataset that reads no others."""
        return replace(self, _batch=self._batch.slice(0, rows))

    def column(self, name: str) -> "pa.Array[Any]":
        """Return one column with its missing values as nulls."""
        position = self._position(name)
        kind = self._kinds[position]
        if kind not in _MATRIX_KINDS:
            return self._batch.column(str(position))
        place = self._places[position]
        if kind == "int64":
            flat, width = self._block(kind)
            return flat.take(np.arange(place, len(flat), width))
        if kind == SPARSE_KIND:
            values = self._sparse_by_column[:, [place]].toarray().reshape(-1)
        else:
            values = np.ascontiguousarray(self._matrix(kind)[:, place])
        column: pa.Array[Any] = pa.array(values, from_pandas=True)
        return column

    def matrix(self, columns: Sequence[str] | None = None) -> npt.NDArray[np.floating]:
        """Return numeric columns as a matrix of shape (rows, columns), NaN where missing.

        Without a copy when the columns are one whole block of floats. float32 when every column
        is, else float64.

        Raises:
            DataError: COLUMN_NOT_FOUND, COLUMN_NOT_NUMERIC.
        """
        positions = self._numeric_positions(columns)
        kinds = {self._kinds[i] for i in positions}
        if len(kinds) == 1 and kinds <= {"float32", "float64", SPARSE_KIND}:
            return self._part(kinds.pop(), positions)
        narrow = all(self.column_types[i] == "float32" for i in positions)
        matrix = np.empty(
            (self.num_rows, len(positions)), dtype=np.float32 if narrow else np.float64
        )
        for kind in kinds:
            chosen = [i for i, p in enumerate(positions) if self._kinds[p] == kind]
            matrix[:, chosen] = self._part(kind, [positions[i] for i in chosen])
        return matrix

    def sparse_matrix(self, columns: Sequence[str] | None = None) -> "csr_array[Any]":
        """Return numeric columns as a CSR matrix of shape (rows, columns), NaN where missing.

        Without a copy when the columns are all that are stored sparse.

        Args:
            columns: Which. Default: those that are stored sparse, or all when none are.

        Raises:
            DataError: COLUMN_NOT_FOUND, COLUMN_NOT_NUMERIC.
        """
        from scipy.sparse import csr_array

        names = columns if columns is not None else self.column_names[self._sparse_from :] or None
        positions = self._numeric_positions(names)
        if any(self._kinds[i] != SPARSE_KIND for i in positions):
            return csr_array(self.matrix(names))
        return self._sparse_part(positions)

    def frame(self, columns: Sequence[str] | None = None) -> "pd.DataFrame":
        """Return columns as a DataFrame; blocks of floats are read-only views of the file.

        Integers with missing values become float64, text with missing values holds None.

        Raises:
            DataError: COLUMN_NOT_FOUND.
        """
        import pandas as pd

        positions = self._positions(columns)
        names = [self.column_names[i] for i in positions]
        parts: list[pd.DataFrame] = []
        for kind in (*STORED_TYPES, SPARSE_KIND):
            chosen = [i for i in positions if self._kinds[i] == kind]
            if chosen:
                parts += self._frames_of(kind, chosen)
        frame = parts[0] if len(parts) == 1 else pd.concat(parts, axis=1)
        return frame if list(frame.columns) == names else frame[names]

    def _frames_of(self, kind: str, positions: list[int]) -> "list[pd.DataFrame]":
        import pandas as pd

        names = [self.column_names[i] for i in positions]
        if kind not in _MATRIX_KINDS:
            arrays = [self._batch.column(str(i)) for i in positions]
            return [pa.RecordBatch.from_arrays(arrays, names=names).to_pandas()]
        if kind == "int64" and self._block(kind)[0].null_count:
            return self._integers_with_gaps(positions)
        return [pd.DataFrame(self._part(kind, positions), columns=names, copy=False)]

    def _integers_with_gaps(self, positions: list[int]) -> "list[pd.DataFrame]":
        import pandas as pd

        names = np.array([self.column_names[i] for i in positions], dtype=object)
        places = self._places[positions]
        flat, width = self._block("int64")
        shape = (self.num_rows, width)
        missing = flat.is_null().to_numpy(zero_copy_only=False).reshape(shape)[:, places]
        values = flat.fill_null(0).to_numpy().reshape(shape)[:, places]
        gaps = missing.any(axis=0)
        with_gaps = np.where(missing[:, gaps], np.nan, values[:, gaps])
        return [
            pd.DataFrame(values[:, ~gaps], columns=names[~gaps]),
            pd.DataFrame(with_gaps, columns=names[gaps]),
        ]

    def _part(self, kind: str, positions: Sequence[int]) -> npt.NDArray[np.floating]:
        if kind == SPARSE_KIND:
            dense: npt.NDArray[np.floating] = self._sparse_part(positions).toarray()
            return dense
        matrix = self._matrix(kind)
        places = self._places[list(positions)]
        if np.array_equal(places, np.arange(matrix.shape[1])):
            return matrix
        return matrix[:, places]

    def _sparse_part(self, positions: Sequence[int]) -> "csr_array[Any]":
        places = self._places[list(positions)]
        width = len(self.column_names) - self._sparse_from
        matrix = from_arrow(self._batch.column(SPARSE_KIND), width)
        return matrix if np.array_equal(places, np.arange(width)) else matrix[:, places]

    def _matrix(self, kind: str) -> npt.NDArray[np.floating]:
        flat, width = self._block(kind)
        return flat.to_numpy(zero_copy_only=False).reshape(self.num_rows, width)

    def _block(self, kind: str) -> "tuple[pa.Array[Any], int]":
        """Return a block's values in one piece, row by row, and the number of its columns."""
        block: Any = self._batch.column(kind)
        return block.flatten(), block.type.list_size

    @cached_property
    def _sparse_by_column(self) -> "csc_array[Any]":
        return self.sparse_matrix().tocsc()

    @cached_property
    def _index(self) -> dict[str, int]:
        return {name: position for position, name in enumerate(self.column_names)}

    @cached_property
    def _kinds(self) -> list[str]:
        """How each column is stored: its type, or sparse."""
        dense = self.column_types[: self._sparse_from]
        return dense + [SPARSE_KIND] * (len(self.column_names) - self._sparse_from)

    @cached_property
    def _places(self) -> npt.NDArray[np.int64]:
        """Place of each column within its block."""
        kinds = np.array(self._kinds)
        places = np.zeros(len(kinds), dtype=np.int64)
        for kind in set(self._kinds):
            mine = kinds == kind
            places[mine] = np.arange(mine.sum())
        return places

    def _positions(self, columns: Sequence[str] | None) -> list[int]:
        if columns is None:
            return list(range(len(self.column_names)))
        return [self._position(name) for name in columns]

    def _position(self, name: str) -> int:
        position = self._index.get(name)
        if position is None:
            raise DataError(f"the dataset has no column {name!r}", reason="COLUMN_NOT_FOUND")
        return position

    def _numeric_positions(self, columns: Sequence[str] | None) -> list[int]:
        positions = self._positions(columns)
        for i in positions:
            if self.column_types[i] not in NUMERIC_TYPES:
                raise DataError(
                    f"column {self.column_names[i]!r} is {self.column_types[i]}; a matrix takes "
                    f"{', '.join(NUMERIC_TYPES)}",
                    reason="COLUMN_NOT_NUMERIC",
                )
        return positions
