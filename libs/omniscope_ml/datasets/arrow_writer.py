"""Writes the stored form of a table; `arrow_file` says what it is, and opens it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from omniscope_ml.datasets.arrow_file import METADATA_KEY, SPARSE_KIND
from omniscope_ml.datasets.columns import (
    NUMERIC_TYPES,
    STORED_TYPES,
    Stack,
    positions_of,
    stacks,
)
from omniscope_ml.datasets.sparse import SparseColumns, to_arrow
from omniscope_ml.errors import DataError

_FORMAT_VERSION = 1


def stored_types(batch: pa.RecordBatch) -> list[str]:
    """Choose each column's stored type: float64 becomes float32 where every value is exact in it.

    Raises:
        DataError: DATASET_MALFORMED, naming column and row, for an infinite value.
    """
    by_type = {stored: name for name, stored in STORED_TYPES.items()}
    types = [by_type[kind] for kind in batch.schema.types]
    for kind in ("float32", "float64"):
        for stack in stacks(batch, positions_of(batch, kind)):
            _check_finite(batch, stack)
            for place in np.flatnonzero(_exact_in_float32(stack.values)).tolist():
                types[stack.positions[place]] = "float32"
    return types


def write_dataset(
    batch: pa.RecordBatch, types: Sequence[str], path: Path, sparse: SparseColumns | None = None
) -> None:
    """Write a table of stored types; the same table gives the same bytes.

    Args:
        batch: Columns that are not sparse.
        types: The stored type of each of them.
        path: The file to write.
        sparse: Columns that follow them.
    """
    arrays: dict[str, pa.Array[Any]] = {}
    for kind in NUMERIC_TYPES:
        positions = [i for i, chosen in enumerate(types) if chosen == kind]
        if positions:
            arrays[kind] = _block(batch, positions, kind)
    for position, chosen in enumerate(types):
        if chosen not in NUMERIC_TYPES:
            arrays[str(position)] = batch.column(position)
    names, kinds = list(batch.schema.names), list(types)
    layout: dict[str, Any] = {"format_version": _FORMAT_VERSION, "names": names, "types": kinds}
    if sparse is not None:
        arrays[SPARSE_KIND] = to_arrow(sparse)
        layout["sparse_from"] = len(names)
        names += sparse.names
        kinds += [sparse.kind] * len(sparse.names)
    schema = pa.schema(
        [(name, array.type) for name, array in arrays.items()],
        metadata={METADATA_KEY: json.dumps(layout, separators=(",", ":")).encode()},
    )
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        writer.write_batch(pa.RecordBatch.from_arrays(list(arrays.values()), schema=schema))


def _block(batch: pa.RecordBatch, positions: list[int], kind: str) -> "pa.Array[Any]":
    """Lay columns side by side, row by row: what a model reads is then one piece of the file."""
    matrix = np.empty((batch.num_rows, len(positions)), dtype=kind)
    missing = np.zeros(matrix.shape, dtype=bool) if kind == "int64" else None
    place_of = {position: place for place, position in enumerate(positions)}
    for source in NUMERIC_TYPES:
        chosen = [i for i in positions_of(batch, source) if i in place_of]
        for stack in stacks(batch, chosen):
            places = [place_of[i] for i in stack.positions]
            matrix[:, places] = stack.values.T
            if missing is not None and stack.missing is not None:
                missing[:, places] = stack.missing.T
    nulls = missing.reshape(-1) if missing is not None and missing.any() else None
    values = pa.array(matrix.reshape(-1), mask=nulls)
    return pa.FixedSizeListArray.from_arrays(values, len(positions))


def _check_finite(batch: pa.RecordBatch, stack: Stack) -> None:
    infinite = np.isinf(stack.values)
    if infinite.any():
        place, row = np.argwhere(infinite)[0]
        name = batch.schema.names[stack.positions[place]]
        raise DataError(
            f"column {name!r} is infinite in data row {row + 1}; leave the cell empty or give it "
            "a finite value",
            reason="DATASET_MALFORMED",
            field="data",
        )


def _exact_in_float32(values: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
    with np.errstate(over="ignore"):
        same = values.astype(np.float32) == values
    return np.asarray((same | np.isnan(values)).all(axis=1))
