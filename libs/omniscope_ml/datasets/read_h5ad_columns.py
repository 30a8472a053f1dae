"""Reads the columns of an h5ad data frame: numbers, texts, categories, values with gaps."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from omniscope_ml.errors import DataError

if TYPE_CHECKING:
    import h5py


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
        mask = member["mask"][...]
        if h5py.check_string_dtype(member["values"].dtype) is not None:
            return pa.array(member["values"].asstr()[...], pa.large_string(), mask=mask)
        return pa.array(member["values"][...], mask=mask)
    raise _malformed(path, "has no form that is known")


def texts_of(names: "h5py.Dataset") -> list[str]:
    """Read texts, such as the names of features."""
    return [str(name) for name in names.asstr()[...]]


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
    if h5py.check_string_dtype(values.dtype) is not None:
        return pa.array(values.asstr()[...], pa.large_string())
    if values.dtype.kind not in "biuf":
        raise _malformed(path, f"has type {values.dtype}; allowed are numbers, booleans and text")
    return pa.array(values[...], from_pandas=True)


def _malformed(path: str, why: str) -> DataError:
    return DataError(f"{path!r} {why}", reason="DATASET_MALFORMED", field="data")
