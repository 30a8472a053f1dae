"""Describes every column of a table: what is missing, how values spread, which are frequent.

Numbers are described as matrices, all columns at once: 20,000 columns cost what one column with as
many cells costs.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from omniscope_ml.datasets.columns import NUMERIC_TYPES, STORED_TYPES, Stack, positions_of, stacks
from omniscope_ml.labels import label_text

MAX_DISTINCT_COUNTED = 1_000
MAX_TOP_VALUES = 20
# Longer texts are not listed among the frequent values: they are prose, not categories.
MAX_VALUE_CHARACTERS = 1_000
# Whole numbers up to here are exact as float64.
_EXACT_AS_FLOAT = 2**53

# A column under the field names of omniscope.common.v1.DatasetColumn.
ColumnProfile = dict[str, Any]


def profile(batch: pa.RecordBatch, types: Sequence[str]) -> list[ColumnProfile]:
    """Describe the columns of a normalised table, whose stored types are given."""
    profiles: list[ColumnProfile] = [
        {"name": name, "position": position, "type": types[position], "missing_count": 0}
        for position, name in enumerate(batch.schema.names)
    ]
    for kind in NUMERIC_TYPES:
        for stack in stacks(batch, positions_of(batch, kind)):
            chosen = [profiles[i] for i in stack.positions]
            _describe_spread(stack, chosen)
            whole = stack if kind == "int64" else _whole_numbers(stack)
            _count_numbers(whole, [profiles[i] for i in whole.positions], STORED_TYPES[kind])
    for position, chosen_type in enumerate(types):
        if chosen_type not in NUMERIC_TYPES:
            _count_values(batch.column(position), profiles[position])
    return profiles


def likely_keys(batch: pa.RecordBatch, types: Sequence[str]) -> list[str]:
    """Return what looks like a sample id: columns not numeric, never missing, unique per row."""
    return [
        name
        for position, name in enumerate(batch.schema.names)
        if types[position] not in NUMERIC_TYPES and _is_unique(batch.column(position))
    ]


def _is_unique(column: "pa.Array[Any]") -> bool:
    rows = len(column)
    return rows > 1 and not column.null_count and pc.count_distinct(column).as_py() == rows


def _describe_spread(stack: Stack, profiles: list[ColumnProfile]) -> None:
    values = stack.values.astype(np.float64)
    missing = np.isnan(values) if stack.missing is None else stack.missing
    present = values.shape[1] - missing.sum(axis=1)
    # Absurd magnitudes overflow the variance; what is not finite is then left out.
    with np.errstate(all="ignore"):
        mean = np.where(missing, 0.0, values).sum(axis=1) / present
        squares = np.where(missing, 0.0, values - mean[:, None]) ** 2
        deviation = np.sqrt(squares.sum(axis=1) / np.maximum(present - 1, 0))
    figures = {
        "min": np.where(missing, np.inf, values).min(axis=1),
        "mean": mean,
        "max": np.where(missing, -np.inf, values).max(axis=1),
        "standard_deviation": deviation,
    }
    for described, count in zip(profiles, missing.sum(axis=1).tolist(), strict=True):
        described["missing_count"] = count
    for name, column_figures in figures.items():
        finite = np.isfinite(column_figures).tolist()
        for described, value, known in zip(profiles, column_figures.tolist(), finite, strict=True):
            if known:
                described[name] = value


def _whole_numbers(stack: Stack) -> Stack:
    """Return the float columns that hold whole numbers only, as integers.

    Labels are often stored so: pandas makes floats of integers with gaps.
    """
    missing = np.isnan(stack.values)
    values = np.where(missing, 0.0, stack.values)
    whole = ((values == np.floor(values)) & (np.abs(values) <= _EXACT_AS_FLOAT)).all(axis=1)
    return Stack(
        positions=[place for place, chosen in zip(stack.positions, whole, strict=True) if chosen],
        values=values[whole].astype(np.int64),
        missing=missing[whole],
    )


def _count_numbers(stack: Stack, profiles: list[ColumnProfile], kind: pa.DataType) -> None:
    native = float if pa.types.is_floating(kind) else int
    columns, values, counts = _runs(stack)
    distinct = np.bincount(columns, minlength=len(profiles))
    for described, number in zip(profiles, distinct.tolist(), strict=True):
        if number <= MAX_DISTINCT_COUNTED:
            described["distinct_count"] = number
            described["top_values"] = []
    counted = distinct[columns] <= MAX_DISTINCT_COUNTED
    columns, values, counts = columns[counted], values[counted], counts[counted]
    order = np.lexsort((values, -counts, columns))
    columns, values, counts = columns[order], values[order], counts[order]
    rank = np.arange(len(columns)) - np.searchsorted(columns, columns)
    top = rank < MAX_TOP_VALUES
    for column, value, count in zip(
        columns[top].tolist(), values[top].tolist(), counts[top].tolist(), strict=True
    ):
        profiles[column]["top_values"].append({"value": label_text(native(value)), "count": count})


def _runs(
    stack: Stack,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return (column, value, count) of every distinct value, ordered by column."""
    values = stack.values.astype(np.int64)
    keep = np.ones(values.shape, dtype=bool)
    if stack.missing is not None:
        # Missing cells sort to the end and are cut off there by their number.
        values[stack.missing] = np.iinfo(np.int64).max
        present = values.shape[1] - stack.missing.sum(axis=1)
        keep = np.arange(values.shape[1]) < present[:, None]
    values.sort(axis=1)
    columns = np.nonzero(keep)[0]
    flat = values[keep]
    new = np.ones(len(flat), dtype=bool)
    new[1:] = (flat[1:] != flat[:-1]) | (columns[1:] != columns[:-1])
    starts = np.flatnonzero(new)
    return columns[starts], flat[starts], np.diff(starts, append=len(flat))


def _count_values(column: "pa.Array[Any]", described: ColumnProfile) -> None:
    described["missing_count"] = column.null_count
    counted: Any = pc.value_counts(column.drop_null())
    if len(counted) > MAX_DISTINCT_COUNTED:
        return
    pairs = [(label_text(pair["values"]), pair["counts"]) for pair in counted.to_pylist()]
    pairs.sort(key=lambda pair: (-pair[1], pair[0]))
    described["distinct_count"] = len(pairs)
    described["top_values"] = [
        {"value": text, "count": count}
        for text, count in pairs[:MAX_TOP_VALUES]
        if len(text) <= MAX_VALUE_CHARACTERS
    ]
