"""Reads text in columns (CSV, TSV) into a table, naming the row where it breaks."""

import csv
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv

from omniscope_ml.datasets.gate import check_names
from omniscope_ml.errors import DataError

MISSING_VALUES = ("", "NA", "N/A", "#N/A", "NaN", "nan", "NULL", "null")

_FORMAT_OF = {",": "csv", "\t": "tsv"}
_WORDS = {",": "commas", "\t": "tabs", ";": "semicolons"}

# How Arrow tells of a row with too few or too many values. Its handler of invalid rows would tell
# more, but fails at text that is not UTF-8.
_RAGGED = re.compile(r"Row #(\d+): Expected (\d+) columns, got (\d+)")

# Arrow counts a block's bytes in 32 bits.
_MAX_BLOCK_BYTES = 2**31 - 1


def read_csv(source: Path, separator: str = ",") -> pa.Table:
    """Read a UTF-8 file with a header and one line per row; quotes may hold separators.

    Types are inferred from the whole file, not from its first block: a column that starts with
    whole numbers may go on with fractions.

    Raises:
        DataError: DATASET_EMPTY, DATASET_FORMAT_MISMATCH, DATASET_MALFORMED, COLUMN_DUPLICATED,
            DATASET_TOO_WIDE.
    """
    check_names(_header(source, separator))
    try:
        table = _parse(source, separator)
    except pa.ArrowInvalid as error:
        raise _malformed(str(error)) from error
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_binary(column.type):
            raise _not_utf8(name, column)
    return table


def _header(source: Path, separator: str) -> list[str]:
    try:
        # Bytes that are no text are told later, with their row, unless they stand in the header.
        with source.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            lines = csv.reader(file, delimiter=separator)
            names = next((row for row in lines if row), [])
        "".join(names).encode()
    except (UnicodeEncodeError, csv.Error) as error:
        raise DataError(
            f"the file does not begin with UTF-8 text separated by {_WORDS[separator]}; save it "
            "as UTF-8",
            reason="DATASET_FORMAT_MISMATCH",
            field="format",
        ) from error
    if not names:
        raise DataError("the file has no header", reason="DATASET_EMPTY", field="data")
    if len(names) == 1:
        _check_separator(names[0], separator)
    return names


def _check_separator(header: str, separator: str) -> None:
    other = next((sign for sign in _WORDS if sign in header), "")
    if not other:
        return
    instead = f", or format {_FORMAT_OF[other]!r} named" if other in _FORMAT_OF else ""
    raise DataError(
        f"the header has no {separator!r} but {other!r}; in {_FORMAT_OF[separator]} columns must "
        f"be separated by {_WORDS[separator]}{instead}",
        reason="DATASET_FORMAT_MISMATCH",
        field="format",
    )


def _parse(source: Path, separator: str) -> pa.Table:
    size = min(source.stat().st_size + 1, _MAX_BLOCK_BYTES)
    # Without threads Arrow knows the number of a bad row; with one block threads gain nothing.
    return pa_csv.read_csv(
        source,
        read_options=pa_csv.ReadOptions(block_size=size, use_threads=False),
        parse_options=pa_csv.ParseOptions(delimiter=separator, newlines_in_values=True),
        convert_options=pa_csv.ConvertOptions(
            null_values=list(MISSING_VALUES), strings_can_be_null=True
        ),
    )


def _malformed(words: str) -> DataError:
    ragged = _RAGGED.search(words)
    if ragged is None:
        why = f"the file cannot be read as rows of text: {words.splitlines()[0][:200]}"
    else:
        row, expected, found = ragged.groups()
        why = (
            f"row {row} has {found} values but the header has {expected} (row 1 is the header, "
            "blank lines do not count)"
        )
    return DataError(why, reason="DATASET_MALFORMED", field="data")


def _not_utf8(name: str, column: "pa.ChunkedArray[Any]") -> DataError:
    """Return the error for a column that Arrow left as bytes, naming its first bad row."""
    row = next(i for i, cell in enumerate(column) if cell.is_valid and not _is_utf8(cell.as_py()))
    return DataError(
        f"column {name!r} has text that is not UTF-8 in data row {row + 1}; save the file as "
        "UTF-8",
        reason="DATASET_FORMAT_MISMATCH",
        field="format",
    )


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
