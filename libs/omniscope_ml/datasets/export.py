"""Writes a stored table as a file that other programs read; a program, as `ingest` is.

Usage: python -m omniscope_ml.datasets.export --source FILE --format FORMAT --out FILE
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from omniscope_ml.datasets.arrow_file import open_dataset
from omniscope_ml.datasets.columns import STORED_TYPES
from omniscope_ml.datasets.formats import EXPORT_FORMATS

# What spreadsheets take for the beginning of a formula.
_FORMULA = r"^([=+\-@\t\r])"


def export(source: Path, export_format: str, target: Path) -> None:
    """Write a stored table.

    Args:
        source: The stored file.
        export_format: One of `EXPORT_FORMATS`. In `csv`, texts and names that a spreadsheet would
            take for a formula get an apostrophe in front.
        target: The file to write.
    """
    dataset = open_dataset(source)
    table = pa.table({name: dataset.column(name) for name in dataset.column_names})
    if export_format == "csv":
        _write_csv(table, target)
    elif export_format == "parquet":
        from pyarrow import parquet

        parquet.write_table(table, target)
    else:
        with pa.OSFile(str(target), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)


def _write_csv(table: pa.Table, target: Path) -> None:
    from pyarrow import csv

    texts = [i for i, field in enumerate(table.schema) if field.type == STORED_TYPES["string"]]
    for position in texts:
        escaped = _without_formulas(table.column(position))
        table = table.set_column(position, table.schema.field(position), escaped)
    names = _without_formulas(pa.chunked_array([table.column_names], pa.string()))
    csv.write_csv(table.rename_columns([str(name) for name in names]), target)


def _without_formulas(texts: "pa.ChunkedArray[Any]") -> "pa.ChunkedArray[Any]":
    from pyarrow import compute

    return compute.replace_substring_regex(texts, pattern=_FORMULA, replacement=r"'\1")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit status."""
    parser = argparse.ArgumentParser(prog="omniscope_ml.datasets.export")
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--format", required=True, choices=EXPORT_FORMATS)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    export(options.source, options.format, options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
