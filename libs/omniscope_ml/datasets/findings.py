"""Says in sentences what somebody should know about a table before training on it."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from omniscope_ml.datasets.spread import ColumnProfile

_NAMES_SHOWN = 5
# A text column of which nearly every value is unique is meant to name rows.
_KEY_SHARE = 0.95
_MAX_KEY_WARNINGS = 3


def findings(
    profiles: Sequence[ColumnProfile], rows: int, ignored: Sequence[str], keys: Sequence[str]
) -> list[str]:
    """Return warnings, one sentence each, the most important ones first.

    Args:
        profiles: All columns.
        rows: Rows of the table.
        ignored: Parts of the file that were not taken.
        keys: Columns that were meant to name rows but repeat values; see `broken_keys`.
    """
    empty = [c["name"] for c in profiles if c["missing_count"] == rows]
    constant = [c["name"] for c in profiles if c["constant"] and c["missing_count"] < rows]
    sparse = [c["name"] for c in profiles if rows > c["missing_count"] > rows / 2]
    repeated = [f"{c['name']} (as {c['duplicate_of']})" for c in profiles if "duplicate_of" in c]
    return [
        *(f"{key} looks like a sample id, but some values are there twice" for key in keys),
        *_sentence(empty, "has no value", "have no value"),
        *_sentence(constant, "has one value only", "have one value only"),
        *_sentence(repeated, "repeats another", "repeat others"),
        *_sentence(sparse, "is missing in most rows", "are missing in most rows"),
        *([f"not taken from the file: {_listed(ignored)}"] if ignored else []),
    ]


def broken_keys(batch: pa.RecordBatch, types: Sequence[str]) -> list[str]:
    """Return the first text columns with nearly, but not quite, one value for each row."""
    found: list[str] = []
    for position, kind in enumerate(types):
        if kind == "string" and _is_broken_key(batch.column(position)):
            found.append(batch.schema.names[position])
        if len(found) == _MAX_KEY_WARNINGS:
            break
    return found


def _is_broken_key(column: "pa.Array[Any]") -> bool:
    distinct, present = pc.count_distinct(column).as_py(), len(column) - column.null_count
    return len(column) > 1 and _KEY_SHARE * len(column) <= distinct < present


def _sentence(names: Sequence[str], one: str, many: str) -> list[str]:
    if not names:
        return []
    subject = "1 column" if len(names) == 1 else f"{len(names):,} columns"
    return [f"{subject} {one if len(names) == 1 else many}: {_listed(names)}"]


def _listed(names: Sequence[str]) -> str:
    text = ", ".join(names[:_NAMES_SHOWN])
    return text if len(names) <= _NAMES_SHOWN else f"{text} and {len(names) - _NAMES_SHOWN:,} more"
