"""Refuses uploads that are not what they say, before a parser sees them."""

import mmap
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from omniscope_ml.errors import DataError

MAX_ROWS = 50_000_000
MAX_COLUMNS = 200_000
MAX_CELLS = 2_000_000_000
MAX_NAME_CHARACTERS = 512

_PARQUET = b"PAR1"
_SIGNATURES = {
    b"PAR1": "a Parquet file",
    b"ARROW1": "an Arrow file",
    b"\x1f\x8b": "a gzip file",
    b"PK\x03\x04": "a zip file or a spreadsheet",
    b"\x89HDF": "an HDF5 file",
    b"\x28\xb5\x2f\xfd": "a zstd file",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ": "an xz file",
    b"%PDF": "a PDF document",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet",
    b"\x80\x04": "a pickle",
}


def check_csv(source: Path) -> None:
    """Refuse a file that cannot be UTF-8 text.

    Raises:
        DataError: DATASET_EMPTY or DATASET_FORMAT_MISMATCH.
    """
    start = _start_of(source)
    for signature, kind in _SIGNATURES.items():
        if start.startswith(signature):
            raise _mismatch("csv", f"it is {kind}")
    with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        zero = text.find(b"\0")
    if zero >= 0:
        raise _mismatch("csv", f"it has a zero byte at offset {zero}, so it is not text")


def check_parquet(source: Path) -> None:
    """Refuse a file without Parquet's marks at both ends.

    Raises:
        DataError: DATASET_EMPTY or DATASET_FORMAT_MISMATCH.
    """
    start = _start_of(source)
    with source.open("rb") as file:
        file.seek(max(0, source.stat().st_size - len(_PARQUET)))
        end = file.read()
    if not start.startswith(_PARQUET):
        raise _mismatch("parquet", "it does not begin with PAR1")
    if end != _PARQUET:
        raise _mismatch("parquet", "it does not end with PAR1, so it is cut short")


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


def _start_of(source: Path) -> bytes:
    with source.open("rb") as file:
        start = file.read(16)
    if not start:
        raise DataError("the file has no bytes", reason="DATASET_EMPTY", field="data")
    return start


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


def _mismatch(expected: str, why: str) -> DataError:
    return DataError(
        f"the file is not {expected}: {why}", reason="DATASET_FORMAT_MISMATCH", field="format"
    )


def _listed(names: Sequence[str], shown: int = 5) -> str:
    text = ", ".join(repr(name) for name in names[:shown])
    return text if len(names) <= shown else f"{text} and {len(names) - shown} more"
