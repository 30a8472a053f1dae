"""Describes every column of a table: what is missing, how values spread, which are frequent.

Numbers are described as matrices, all columns at once: 20,000 columns cost what one column with as
many cells costs.
"""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from omniscope_ml.datasets.columns import NUMERIC_TYPES, positions_of, stacks
from omniscope_ml.datasets.duplicates import content_digests, mark_duplicates
from omniscope_ml.datasets.frequencies import (
    describe_frequencies,
    describe_values,
    runs_of,
    whole_numbers,
)
from omniscope_ml.datasets.spread import ColumnProfile, describe_spread


def profile(batch: pa.RecordBatch, types: Sequence[str]) -> list[ColumnProfile]:
    """Describe the columns of a normalised table, whose stored types are given."""
    profiles: list[ColumnProfile] = [
        {"name": name, "position": position, "type": types[position], "missing_count": 0}
        for position, name in enumerate(batch.schema.names)
    ]
    digests: dict[int, int] = {}
    for kind in NUMERIC_TYPES:
        native = int if kind == "int64" else float
        for stack in stacks(batch, positions_of(batch, kind)):
            describe_spread(stack, [profiles[i] for i in stack.positions])
            whole = stack if kind == "int64" else whole_numbers(stack)
            describe_frequencies(runs_of(whole), [profiles[i] for i in whole.positions], native)
            digests.update(zip(stack.positions, content_digests(stack), strict=True))
    for position, chosen_type in enumerate(types):
        if chosen_type not in NUMERIC_TYPES:
            describe_values(batch.column(position), profiles[position])
    mark_duplicates(batch, profiles, digests)
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
