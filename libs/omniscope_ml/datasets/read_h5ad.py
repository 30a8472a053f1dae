"""Reads h5ad, the annotated matrices of single-cell work, with h5py alone.

anndata's encoding needs a page of code; anndata itself would bring a dozen packages and readers
for much that is not taken here, into the process that meets hostile files.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from omniscope_ml.datasets.gate import check_names, check_size
from omniscope_ml.datasets.hdf5_gate import open_hdf5
from omniscope_ml.datasets.read_h5ad_columns import column_of, numbers_of, texts_of
from omniscope_ml.datasets.sparse import SparseColumns, sparse_columns
from omniscope_ml.errors import DataError

if TYPE_CHECKING:
    import h5py
    from scipy.sparse import csr_array

KEY_COLUMN = "obs_names"
_UNNAMED = ("_index", "index")
_SPARSE = ("csr_matrix", "csc_matrix")


@dataclass(frozen=True)
class AnnotatedMatrix:
    """The contents of an h5ad file.

    Attributes:
        table: A column of sample names, the columns of `obs`, and a dense `X`.
        sparse: A sparse `X`; None when it is dense.
        ignored: Parts of the file that are not taken, such as `layers/counts`.
    """

    table: pa.Table
    sparse: SparseColumns | None
    ignored: list[str]


def read_h5ad(source: Path) -> AnnotatedMatrix:
    """Read `X` with `var_names` as columns, and `obs` with `obs_names` in front of it.

    Raises:
        DataError: DATASET_EMPTY, DATASET_MALFORMED, DATASET_TOO_LARGE, DATASET_TOO_WIDE,
            DATASET_UNSAFE, COLUMN_DUPLICATED.
    """
    with open_hdf5(source) as file:
        _check_parts(file)
        names, columns = _observations(file["obs"])
        features = texts_of(file["var"][_index_of(file["var"])])
        rows = len(columns[0])
        check_names([*names, *features])
        check_size(rows, len(columns))
        values = _values(file["X"], rows, features)
        if isinstance(values, SparseColumns):
            table = pa.Table.from_arrays(columns, names=names)
            return AnnotatedMatrix(table, values, _ignored(file))
        table = pa.Table.from_arrays([*columns, *values], names=[*names, *features])
        return AnnotatedMatrix(table, None, _ignored(file))


def _check_parts(file: "h5py.File") -> None:
    import h5py

    missing = [name for name in ("X", "obs", "var") if name not in file]
    if missing:
        raise _malformed(f"the file has no {missing[0]!r}, so it is not h5ad")
    for name in ("obs", "var"):
        if not isinstance(file[name], h5py.Group):
            raise _malformed(
                f"{name!r} has the form of anndata before 0.8; open the file with a newer anndata "
                "and write it again"
            )


def _observations(obs: "h5py.Group") -> "tuple[list[str], list[pa.Array[Any]]]":
    index = _index_of(obs)
    names = [KEY_COLUMN if index in _UNNAMED else index, *_texts(obs.attrs["column-order"])]
    members = [index, *names[1:]]
    columns = [column_of(f"obs/{member}", obs[member]) for member in members]
    for member, column in zip(members, columns, strict=True):
        if len(column) != len(columns[0]):
            raise _malformed(
                f"'obs/{member}' has {len(column)} values, 'obs/{index}' has {len(columns[0])}"
            )
    return names, columns


def _index_of(frame: "h5py.Group") -> str:
    return str(frame.attrs["_index"])


def _texts(names: Sequence[Any]) -> list[str]:
    return [str(name) for name in names]


def _values(
    x: "h5py.HLObject", rows: int, features: list[str]
) -> "SparseColumns | list[pa.Array[Any]]":
    import h5py

    shape = (rows, len(features))
    if isinstance(x, h5py.Dataset):
        _check_shape(x.shape, shape)
        check_size(*shape)
        return _dense_columns(x)
    encoding = x.attrs.get("encoding-type")
    if encoding not in _SPARSE:
        raise _malformed(
            f"'X' is encoded as {encoding!r}; allowed are array, {', '.join(_SPARSE)}"
        )
    _check_shape(tuple(x.attrs["shape"].tolist()), shape)
    return sparse_columns(features, _csr(x, shape, by_column=encoding == "csc_matrix"))


def _dense_columns(x: "h5py.Dataset") -> "list[pa.Array[Any]]":
    rows, width = x.shape
    flat = pa.array(np.ascontiguousarray(numbers_of("X", x).T).reshape(-1))
    return [flat.slice(place * rows, rows) for place in range(width)]


def _csr(x: "h5py.Group", shape: tuple[int, int], *, by_column: bool) -> "csr_array[Any]":
    from scipy.sparse import csc_array, csr_array

    data, indices, indptr = (
        numbers_of(f"X/{name}", x[name]) for name in ("data", "indices", "indptr")
    )
    if data.dtype.kind == "b" or indices.dtype.kind not in "iu":
        raise _malformed(f"'X' has values of type {data.dtype} at places of type {indices.dtype}")
    long, wide = reversed(shape) if by_column else shape
    _check_pointers(indptr, long, len(data))
    if len(indices) != len(data) or (
        len(indices) and not 0 <= indices.min() <= indices.max() < wide
    ):
        raise _malformed(f"'X/indices' has values that are not from 0 to {wide - 1}")
    if data.dtype == np.float16:  # SciPy has no arithmetic for it.
        data = data.astype(np.float32)
    if by_column:
        return csc_array((data, indices, indptr), shape=shape).tocsr()
    return csr_array((data, indices, indptr), shape=shape)


def _check_pointers(indptr: "np.ndarray[Any, Any]", lines: int, values: int) -> None:
    fits = (
        indptr.dtype.kind in "iu"
        and indptr.shape == (lines + 1,)
        and indptr[0] == 0
        and indptr[-1] == values
        and bool((indptr[1:] >= indptr[:-1]).all())
    )
    if not fits:
        raise _malformed(f"'X/indptr' does not divide {values} values into {lines} lines")


def _check_shape(found: Sequence[int], expected: tuple[int, int]) -> None:
    if tuple(found) != expected:
        raise _malformed(
            f"'X' has shape {tuple(found)}, but obs and var have {expected[0]} and {expected[1]} "
            "names"
        )


def _ignored(file: "h5py.File") -> list[str]:
    import h5py

    index = _index_of(file["var"])
    parts = [f"var/{name}" for name in file["var"] if name != index]
    for name in file:
        if name in ("X", "obs", "var"):
            continue
        part = file[name]
        is_folder = isinstance(part, h5py.Group) and name != "raw"
        parts += [f"{name}/{member}" for member in part] if is_folder else [name]
    return sorted(parts)


def _malformed(why: str) -> DataError:
    return DataError(why, reason="DATASET_MALFORMED", field="data")
