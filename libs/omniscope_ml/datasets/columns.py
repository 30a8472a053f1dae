"""Reduces the types of an upload to the six that are stored; stacks columns for arithmetic."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from omniscope_ml.errors import DataError

STORED_TYPES: dict[str, pa.DataType] = {
    "float32": pa.float32(),
    "float64": pa.float64(),
    "int64": pa.int64(),
    "bool": pa.bool_(),
    "string": pa.large_string(),
    "timestamp": pa.timestamp("ns"),
}
NUMERIC_TYPES = ("float32", "float64", "int64")

# Which types of Arrow become which stored one.
_ORIGINS: dict[str, tuple[Callable[[pa.DataType], bool], ...]] = {
    "float32": (pa.types.is_float16, pa.types.is_float32, pa.types.is_null),
    "float64": (pa.types.is_float64, pa.types.is_decimal),
    "int64": (pa.types.is_integer,),
    "bool": (pa.types.is_boolean,),
    "string": (
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_string_view,
        pa.types.is_time,
    ),
    "timestamp": (pa.types.is_timestamp, pa.types.is_date),
}

# A cell is a value or a note, no document; one quote left open swallows the rest of a file.
MAX_CELL_BYTES = 2**20

# 8 MiB of float64: large enough to be fast, small beside the table.
_SLAB_CELLS = 2**20


@dataclass(frozen=True)
class Stack:
    """Columns of one type laid under each other.

    Attributes:
        positions: Places of the columns in the batch.
        values: Shape (columns, rows); NaN where a float is missing, 0 where another value is.
        missing: Shape (columns, rows); None when nothing is missing.
    """

    positions: Sequence[int]
    values: npt.NDArray[np.generic]
    missing: npt.NDArray[np.bool_] | None


def normalise(table: pa.Table) -> pa.RecordBatch:
    """Cast every column to one of the six stored types, in one piece each.

    Half floats and empty columns become float32, decimals float64, dates and times with a zone
    timestamps in UTC, dictionaries their values.

    Raises:
        DataError: DATASET_MALFORMED for a nested or binary column, a value that does not fit, or a
            text of more than 1 MiB.
    """
    targets = check_types(table.schema)
    columns = [
        _cast(name, column, targets[column.type])
        for name, column in zip(table.column_names, table.columns, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, names=table.column_names)


def check_types(schema: pa.Schema) -> dict[pa.DataType, pa.DataType]:
    """Return the stored type of each type that a table's columns have.

    Raises:
        DataError: DATASET_MALFORMED, naming the column, for a nested or binary one.
    """
    targets: dict[pa.DataType, pa.DataType] = {}
    for kind in set(schema.types):
        target = _stored_type(kind)
        if target is None:
            raise DataError(
                f"column {schema.names[schema.types.index(kind)]!r} has type {kind}; allowed are "
                "numbers, booleans, text, dates and timestamps",
                reason="DATASET_MALFORMED",
                field="data",
            )
        targets[kind] = target
    return targets


def positions_of(batch: pa.RecordBatch, kind: str) -> list[int]:
    """Return where the columns of a stored type are."""
    wanted = STORED_TYPES[kind]
    return [i for i, stored in enumerate(batch.schema.types) if stored == wanted]


def stacks(batch: pa.RecordBatch, positions: Sequence[int]) -> Iterator[Stack]:
    """Yield numeric columns of one type in slabs of bounded size, in the order given.

    Stacking turns work per column into one operation over a matrix.
    """
    if not positions:
        return
    columns = batch.columns
    width = max(1, _SLAB_CELLS // max(1, batch.num_rows))
    for start in range(0, len(positions), width):
        chosen = positions[start : start + width]
        yield _stack([columns[i] for i in chosen], chosen)


def _stack(columns: "Sequence[pa.Array[Any]]", positions: Sequence[int]) -> Stack:
    merged = pa.concat_arrays(columns)
    shape = (len(columns), len(columns[0]))
    missing = None
    if merged.null_count:
        missing = merged.is_null().to_numpy(zero_copy_only=False).reshape(shape)
        merged = merged.fill_null(np.nan if pa.types.is_floating(merged.type) else 0)
    values = merged.to_numpy(zero_copy_only=False).reshape(shape)
    return Stack(positions=positions, values=values, missing=missing)


def _stored_type(kind: pa.DataType) -> pa.DataType | None:
    if pa.types.is_dictionary(kind):
        return _stored_type(kind.value_type)
    name = next(
        (name for name, belongs in _ORIGINS.items() if any(b(kind) for b in belongs)), None
    )
    return None if name is None else STORED_TYPES[name]


def _cast(name: str, column: "pa.ChunkedArray[Any]", target: pa.DataType) -> "pa.Array[Any]":
    try:
        stored = column if column.type == target else column.cast(target)
    except pa.ArrowInvalid as error:
        raise DataError(
            f"column {name!r} has a value of type {column.type} that does not fit {target}",
            reason="DATASET_MALFORMED",
            field="data",
        ) from error
    if pa.types.is_large_string(target):
        _check_lengths(name, stored)
    return stored.combine_chunks()


def _check_lengths(name: str, column: "pa.ChunkedArray[Any]") -> None:
    lengths = pc.binary_length(column)
    longest = pc.max(lengths).as_py() or 0
    if longest > MAX_CELL_BYTES:
        row = pc.index(lengths, longest).as_py()
        raise DataError(
            f"column {name!r} has a cell of {longest} bytes in data row {row + 1}; at most "
            f"{MAX_CELL_BYTES} are allowed (is a quote left open?)",
            reason="DATASET_MALFORMED",
            field="data",
        )
