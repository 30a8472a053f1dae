"""The first rows of a stored table, kept beside it: nobody reads gigabytes to see ten rows."""

import json
from pathlib import Path
from typing import Any

from omniscope_ml.datasets.arrow_file import Dataset

_MOST_ROWS = 100
_LEAST_ROWS = 10
_CELLS = 200_000
MAX_TEXT_CHARACTERS = 200
_FLOATS = ("float32", "float64")


def write_preview(dataset: Dataset, path: Path) -> None:
    """Write the first rows as a JSON object: a list of values by column, in the table's order.

    A value is a number, a truth value, a text (timestamps by ISO 8601; of 200 characters at most,
    cut ones end with `…`) or null. There are 100 rows, of wide tables as many as make 200,000
    cells, 10 at least.
    """
    rows = min(_MOST_ROWS, max(_LEAST_ROWS, _CELLS // len(dataset.column_names)))
    first = dataset.head(rows)
    floats = [
        name
        for name, kind in zip(first.column_names, first.column_types, strict=True)
        if kind in _FLOATS
    ]
    found = dict(zip(floats, _numbers(first, floats), strict=True))
    columns = {name: found.get(name) or _values(first, name) for name in first.column_names}
    path.write_text(json.dumps(columns, default=_text, allow_nan=False, separators=(",", ":")))


def _numbers(dataset: Dataset, names: list[str]) -> list[list[float | None]]:
    """Return float columns; at once, for there may be thousands of them."""
    if not names:
        return []
    cells = dataset.matrix(names).T.astype(object)
    cells[cells != cells] = None  # NaN alone differs from itself
    columns: list[list[float | None]] = cells.tolist()
    return columns


def _values(dataset: Dataset, name: str) -> list[Any]:
    column = dataset.column(name)
    if dataset.type_of(name) == "timestamp":
        # Of nanoseconds Arrow makes values by pandas, whose import takes longer than all the rest.
        column = column.cast("timestamp[us]", safe=False)
    return [_shown(value) for value in column.to_pylist()]


def _shown(value: Any) -> Any:
    if isinstance(value, str) and len(value) > MAX_TEXT_CHARACTERS:
        return f"{value[: MAX_TEXT_CHARACTERS - 1]}…"
    return value


def _text(value: Any) -> str:
    """Return what JSON has no form for: timestamps."""
    return str(value.isoformat())
