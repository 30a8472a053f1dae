"""Reads the columns of an h5ad data frame: numbers, texts, categories, values with gaps."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from omniscope_ml.errors import DataError

if TYPE_CHECKING:
    import h5py

# Long doubles exist in HDF5, and nowhere behind it.
_MAX_ITEM_BYTES = 8


def column_of(path: str, member: "h5py.HLObject") -> "pa.Array[Any]":
    """Read a column, its missing values as nulls.

    Args:
        path: What an error calls the column, such as `obs/cell_type`.
        member: A dataset, or a group that encodes categories or a mask.

    Raises:
        DataError: DATASET_MALFORMED when it has no form that is known.
    """
    import h5py

    if isinstance(member, h5py.Dataset):
        return _plain(path, member)
    if isinstance(member, h5py.Group) and {"codes", "categories"} <= set(member):
        return _categories(path, member["codes"][...], _plain(path, member["categories"]))
    if isinstance(member, h5py.Group) and {"values", "mask"} <= set(member):
        return _with_gaps(path, member["values"], member["mask"][...])
    raise _malformed(path, "has no form that is known")


def texts_of(names: "h5py.Dataset") -> list[str]:
    """Read texts, such as the names of features."""
    return [str(name) for name in names.asstr()[...]]


def numbers_of(path: str, values: "h5py.Dataset") -> npt.NDArray[Any]:
    """Read numbers or booleans in this machine's byte order, in the shape that they have.

    Raises:
        DataError: DATASET_MALFORMED for anything else.
    """
    if values.dtype.kind not in "biuf" or values.dtype.itemsize > _MAX_ITEM_BYTES:
        raise _malformed(path, f"has type {values.dtype}; allowed are numbers, booleans and text")
    found: npt.NDArray[Any] = values[...]
    return found.astype(found.dtype.newbyteorder("="), copy=False)


def _with_gaps(path: str, values: "h5py.Dataset", mask: npt.NDArray[np.bool_]) -> "pa.Array[Any]":
    import h5py

    column: pa.Array[Any]
    if h5py.check_string_dtype(values.dtype) is not None:
        column = pa.array(values.asstr()[...], pa.large_string(), mask=mask)
    else:
        column = pa.array(numbers_of(path, values), mask=mask)
    return column


def _categories(
    path: str, codes: npt.NDArray[np.integer], categories: "pa.Array[Any]"
) -> "pa.Array[Any]":
    if codes.dtype.kind not in "iu" or (len(codes) and codes.max() >= len(categories)):
        raise _malformed(path, f"has codes that are not from -1 to {len(categories) - 1}")
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), categories)


def _plain(path: str, values: "h5py.Dataset") -> "pa.Array[Any]":
    import h5py

    if "categories" in values.attrs:
        raise _malformed(
            path,
            "has the form of anndata before 0.8; open the file with a newer anndata and write it "
            "again",
        )
    if values.ndim != 1:
        raise _malformed(path, f"has {values.ndim} dimensions instead of 1")
    column: pa.Array[Any]
    if h5py.check_string_dtype(values.dtype) is not None:
        column = pa.array(values.asstr()[...], pa.large_string())
    else:
        column = pa.array(numbers_of(path, values), from_pandas=True)
    return column


def _malformed(path: str, why: str) -> DataError:
    return DataError(f"{path!r} {why}", reason="DATASET_MALFORMED", field="data")
