"""Which values are frequent, and how many there are: what class labels show themselves by."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from omniscope_ml.datasets.columns import Stack
from omniscope_ml.datasets.spread import ColumnProfile
from omniscope_ml.labels import label_text

MAX_DISTINCT_COUNTED = 1_000
MAX_TOP_VALUES = 20
# Longer texts are not listed among the frequent values: they are prose, not categories.
MAX_VALUE_CHARACTERS = 1_000
# Whole numbers up to here are exact as float64.
EXACT_AS_FLOAT = 2**53

# (column, value, count) of every distinct value.
Runs = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]


def whole_numbers(stack: Stack) -> Stack:
    """Return the float columns that hold whole numbers only, as integers.

    Labels are often stored so: pandas makes floats of integers with gaps.
    """
    missing = np.isnan(stack.values)
    values = np.where(missing, 0.0, stack.values)
    whole = ((values == np.floor(values)) & (np.abs(values) <= EXACT_AS_FLOAT)).all(axis=1)
    return Stack(
        positions=[place for place, chosen in zip(stack.positions, whole, strict=True) if chosen],
        values=values[whole].astype(np.int64),
        missing=missing[whole],
    )


def runs_of(stack: Stack) -> Runs:
    """Return every distinct value of every column with its count."""
    values = stack.values.astype(np.int64)
    keep = np.ones(values.shape, dtype=bool)
    if stack.missing is not None:
        # Missing cells sort to the end and are cut off there by their number.
        values[stack.missing] = np.iinfo(np.int64).max
        present = values.shape[1] - stack.missing.sum(axis=1)
        keep = np.arange(values.shape[1]) < present[:, None]
    values.sort(axis=1)
    return runs_of_sorted(np.nonzero(keep)[0], values[keep])


def runs_of_sorted(columns: npt.NDArray[np.int64], values: npt.NDArray[np.int64]) -> Runs:
    """Return the runs of cells that are sorted by column and value."""
    new = np.ones(len(values), dtype=bool)
    new[1:] = (values[1:] != values[:-1]) | (columns[1:] != columns[:-1])
    starts = np.flatnonzero(new)
    return columns[starts], values[starts], np.diff(starts, append=len(values))


def describe_frequencies(runs: Runs, profiles: list[ColumnProfile], native: type) -> None:
    """Add to each column's profile its number of distinct values and the most frequent ones.

    Args:
        runs: Whose columns are places in `profiles`.
        profiles: The columns.
        native: `int` or `float`: how values are written.
    """
    columns, values, counts = runs
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


def describe_values(column: "pa.Array[Any]", described: ColumnProfile) -> None:
    """Add to the profile of a column of texts, booleans or times what its values are."""
    described["missing_count"] = column.null_count
    counted: Any = pc.value_counts(column.drop_null())
    described["constant"] = len(counted) <= 1
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
