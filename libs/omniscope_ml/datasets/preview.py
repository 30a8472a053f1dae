"""The first rows of a stored table, kept beside it: nobody reads gigabytes to see ten rows."""

import json
from pathlib import Path
from typing import Any

from omniscope_ml.datasets.arrow_file import Dataset

_MOST_ROWS = 100
_LEAST_ROWS = 10
_CELLS = 200_000
MAX_TEXT_CHARACTERS = 200


def write_preview(dataset: Dataset, path: Path) -> None:
    """Write the first rows as a JSON object: a list of values by column, in the table's order.

    A value is a number, a truth value, a text (timestamps by ISO 8601; of 200 characters at most,
    cut ones end with `…`) or null. There are 100 rows, of wide tables as many as make 200,000
    cells, 10 at least.
    """
    rows = min(_MOST_ROWS, max(_LEAST_ROWS, _CELLS // len(dataset.column_names)))
    import pandas as pd

    cells = dataset.head(rows).frame().to_numpy(dtype=object)
    cells[pd.isna(cells)] = None
    values = ([_shown(value) for value in column] for column in cells.T.tolist())
    columns = dict(zip(dataset.column_names, values, strict=True))
    path.write_text(json.dumps(columns, default=_text, allow_nan=False, separators=(",", ":")))


def _shown(value: Any) -> Any:
    if isinstance(value, str) and len(value) > MAX_TEXT_CHARACTERS:
        return f"{value[: MAX_TEXT_CHARACTERS - 1]}…"
    return value


def _text(value: Any) -> str:
    """Return what JSON has no form for: timestamps."""
    return str(value.isoformat())
