"""Refuses tables beyond the caps, and column names that nothing can be called by."""

import unicodedata
from collections import Counter
from collections.abc import Sequence

from omniscope_ml.errors import DataError

MAX_ROWS = 50_000_000
MAX_COLUMNS = 200_000
MAX_CELLS = 2_000_000_000
MAX_NAME_CHARACTERS = 512

# Above this a small file that unpacks to a huge one is taken for an attack.
MAX_UNPACKED_BYTES = 16 * 2**30


def check_names(names: Sequence[str]) -> None:
    """Refuse column names that are missing, too long or used twice, and too many columns.

    Raises:
        DataError: COLUMN_DUPLICATED, DATASET_MALFORMED or DATASET_TOO_WIDE.
    """
    if len(names) > MAX_COLUMNS:
        raise DataError(
            f"the table has {len(names)} columns; at most {MAX_COLUMNS} are allowed",
            reason="DATASET_TOO_WIDE",
            field="data",
        )
    for position, name in enumerate(names, start=1):
        _check_name(position, name)
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(
            f"column {_listed(twice)} appears more than once; every column needs its own name",
            reason="COLUMN_DUPLICATED",
            field="data",
        )


def check_size(rows: int, columns: int) -> None:
    """Refuse a table without rows, or one beyond the caps.

    Raises:
        DataError: DATASET_EMPTY or DATASET_TOO_LARGE.
    """
    if rows == 0 or columns == 0:
        raise DataError(
            f"the table has {columns} columns but no rows", reason="DATASET_EMPTY", field="data"
        )
    if rows > MAX_ROWS or rows * columns > MAX_CELLS:
        raise DataError(
            f"the table has {rows} rows and {rows * columns} cells; at most {MAX_ROWS} rows and "
            f"{MAX_CELLS} cells are allowed",
            reason="DATASET_TOO_LARGE",
            field="data",
        )


def check_unpacked(packed_bytes: int, unpacked_bytes: int) -> None:
    """Refuse a file that unpacks beyond the cap.

    Raises:
        DataError: DATASET_TOO_LARGE.
    """
    if unpacked_bytes > MAX_UNPACKED_BYTES:
        raise DataError(
            f"the file of {packed_bytes} bytes unpacks to {unpacked_bytes} bytes or more; at most "
            f"{MAX_UNPACKED_BYTES} are allowed",
            reason="DATASET_TOO_LARGE",
            field="data",
        )


def _check_name(position: int, name: str) -> None:
    if not name.strip():
        raise DataError(
            f"column {position} has no name; give it one, for example sample_id",
            reason="DATASET_MALFORMED",
            field="data",
        )
    if any(unicodedata.category(character) == "Cc" for character in name):
        raise DataError(
            f"the name of column {position}, {name!r}, has control characters; use printable ones",
            reason="DATASET_MALFORMED",
            field="data",
        )
    if len(name) > MAX_NAME_CHARACTERS:
        raise DataError(
            f"the name of column {position} has {len(name)} characters; at most "
            f"{MAX_NAME_CHARACTERS} are allowed",
            reason="DATASET_MALFORMED",
            field="data",
        )


def _listed(names: Sequence[str], shown: int = 5) -> str:
    text = ", ".join(repr(name) for name in names[:shown])
    return text if len(names) <= shown else f"{text} and {len(names) - shown} more"
