"""Reads comma-separated text into a table, naming the row where it breaks."""

import csv
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.csv as pa_csv

from omniscope_ml.datasets.gate import check_csv, check_names
from omniscope_ml.errors import DataError

MISSING_VALUES = ("", "NA", "N/A", "#N/A", "NaN", "nan", "NULL", "null")

# Arrow counts a block's bytes in 32 bits.
_MAX_BLOCK_BYTES = 2**31 - 1


def read_csv(source: Path) -> pa.Table:
    """Read a UTF-8 CSV file with a header.

    Types are inferred from the whole file, not from its first block: a column that starts with
    whole numbers may go on with fractions.

    Raises:
        DataError: DATASET_EMPTY, DATASET_FORMAT_MISMATCH, DATASET_MALFORMED, COLUMN_DUPLICATED,
            DATASET_TOO_WIDE.
    """
    check_csv(source)
    check_names(_header(source))
    broken: list[pa_csv.InvalidRow] = []
    try:
        table = _parse(source, broken)
    except pa.ArrowInvalid as error:
        raise _malformed(broken, error) from error
    _check_text(table)
    return table


def _header(source: Path) -> list[str]:
    try:
        with source.open(encoding="utf-8-sig", newline="") as file:
            names = next((row for row in csv.reader(file) if row), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            "the file does not begin with UTF-8 text in CSV form; save it as UTF-8",
            reason="DATASET_FORMAT_MISMATCH",
            field="format",
        ) from error
    if not names:
        raise DataError("the file has no header", reason="DATASET_EMPTY", field="data")
    other = next((sign for sign in ("\t", ";") if len(names) == 1 and sign in names[0]), "")
    if other:
        raise DataError(
            f"the header has no comma but {other!r}; columns must be separated by commas",
            reason="DATASET_FORMAT_MISMATCH",
            field="format",
        )
    return names


def _parse(source: Path, broken: list[pa_csv.InvalidRow]) -> pa.Table:
    def stop(row: pa_csv.InvalidRow) -> Literal["error"]:
        broken.append(row)
        return "error"

    size = min(source.stat().st_size + 1, _MAX_BLOCK_BYTES)
    # Without threads Arrow knows the number of a bad row; with one block threads gain nothing.
    return pa_csv.read_csv(
        source,
        read_options=pa_csv.ReadOptions(block_size=size, use_threads=False),
        parse_options=pa_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=stop),
        convert_options=pa_csv.ConvertOptions(
            null_values=list(MISSING_VALUES), strings_can_be_null=True
        ),
    )


def _malformed(broken: list[pa_csv.InvalidRow], error: pa.ArrowInvalid) -> DataError:
    if not broken:
        return DataError(
            f"the file cannot be read as CSV: {str(error).splitlines()[0][:200]}",
            reason="DATASET_MALFORMED",
            field="data",
        )
    row = broken[0]
    return DataError(
        f"row {row.number} has {row.actual_columns} values but the header has "
        f"{row.expected_columns} (row 1 is the header, blank lines do not count)",
        reason="DATASET_MALFORMED",
        field="data",
    )


def _check_text(table: pa.Table) -> None:
    # Arrow falls back to bytes where a column's text is not UTF-8.
    for name, kind in zip(table.column_names, table.schema.types, strict=True):
        if pa.types.is_binary(kind):
            raise DataError(
                f"column {name!r} has text that is not UTF-8; save the file as UTF-8",
                reason="DATASET_FORMAT_MISMATCH",
                field="format",
            )
