"""Writes h5ad files as anndata does, without anndata: tests need no more of it than this."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from scipy.sparse import csc_array, csr_array, issparse


def write_h5ad(
    path: Path,
    x: Any,
    obs: Mapping[str, Any] | None = None,
    *,
    features: Sequence[str] | None = None,
    samples: Sequence[str] | None = None,
    compression: str | None = None,
) -> Path:
    """Write an annotated matrix.

    Args:
        path: The file.
        x: Dense, CSR or CSC values of shape (samples, features).
        obs: Columns: arrays, lists of text, or a mapping of members for an encoded column.
        features: Names. Default: g0, g1, ...
        samples: Names. Default: c0, c1, ...
        compression: Of X.
    """
    rows, columns = x.shape
    with h5py.File(path, "w") as file:
        _write_x(file, x, compression)
        _write_frame(file, "obs", samples or [f"c{i}" for i in range(rows)], obs or {})
        _write_frame(file, "var", features or [f"g{i}" for i in range(columns)], {})
    return path


def _write_x(file: h5py.File, x: Any, compression: str | None) -> None:
    if not issparse(x):
        file.create_dataset("X", data=x, compression=compression)
        return
    group = file.create_group("X")
    group.attrs["encoding-type"] = "csc_matrix" if isinstance(x, csc_array) else "csr_matrix"
    group.attrs["shape"] = np.array(x.shape)
    for name in ("data", "indices", "indptr"):
        group.create_dataset(name, data=getattr(x, name), compression=compression)


def _write_frame(
    file: h5py.File, name: str, index: Sequence[str], columns: Mapping[str, Any]
) -> None:
    group = file.create_group(name)
    group.attrs["_index"] = "_index"
    group.attrs["column-order"] = np.array(list(columns), dtype=h5py.string_dtype())
    for member, values in {"_index": index, **columns}.items():
        if isinstance(values, Mapping):
            for part, content in values.items():
                _write_values(group, f"{member}/{part}", content)
        else:
            _write_values(group, member, values)


def _write_values(group: h5py.Group, name: str, values: Any) -> None:
    if isinstance(values, np.ndarray):
        group[name] = values
    else:
        group.create_dataset(name, data=list(values), dtype=h5py.string_dtype())


def small_matrix(rows: int = 6, columns: int = 5) -> csr_array:
    """Return sparse values with whole rows and columns of zeros."""
    values = np.zeros((rows, columns), dtype=np.float32)
    values[0, 1], values[2, 1], values[2, 3], values[-2, 0] = 1.5, 2.0, 3.0, -4.0
    return csr_array(values)
