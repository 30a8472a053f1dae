"""Stores fitted arrays in a file that holds no code: NumPy's npz, never a pickle."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from omniscope_ml.errors import DataError

Arrays = dict[str, npt.NDArray[Any]]


def write_arrays(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write arrays by name; the same arrays give the same bytes.

    Raises:
        TypeError: An array holds objects, which could only be stored as a pickle.
    """
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise TypeError(f"array {name!r} holds objects; only numbers and texts are stored")
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def read_arrays(path: Path) -> Arrays:
    """Read what `write_arrays` wrote.

    Raises:
        DataError: PACKAGE_CORRUPT when the file is damaged or holds a pickle.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (ValueError, OSError, zipfile.BadZipFile, EOFError) as error:
        raise DataError(
            f"the model package is damaged: {path.name} holds no arrays", reason="PACKAGE_CORRUPT"
        ) from error


def texts(values: tuple[str, ...] | list[str]) -> npt.NDArray[np.str_]:
    """Return texts as an array that needs no pickle, shape (values,)."""
    return np.array(values, dtype=np.str_) if values else np.empty(0, dtype="<U1")
