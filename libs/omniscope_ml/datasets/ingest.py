"""Turns an uploaded file into a stored dataset; a program, so hostile files meet a bare process.

Usage: python -m omniscope_ml.datasets.ingest --source FILE --format csv|parquet --out DIR

Writes DIR/data.arrow and prints the dataset's description as JSON. For a file that cannot be used
it prints {"error": {"reason", "message", "field"}} and exits with status 3.
"""

import argparse
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from omniscope_ml.datasets.arrow_file import stored_types, write_dataset
from omniscope_ml.datasets.columns import normalise
from omniscope_ml.datasets.gate import check_names, check_size
from omniscope_ml.datasets.profile import likely_keys, profile
from omniscope_ml.datasets.read_csv import read_csv
from omniscope_ml.datasets.read_parquet import read_parquet
from omniscope_ml.errors import DataError

DATA_FILE = "data.arrow"
REFUSED_STATUS = 3

_READERS: Mapping[str, Callable[[Path], pa.Table]] = {"csv": read_csv, "parquet": read_parquet}


def ingest(source: Path, source_format: str, out: Path) -> dict[str, Any]:
    """Store a file as `out/data.arrow` and describe it.

    Args:
        source: The uploaded file.
        source_format: `csv` or `parquet`.
        out: Existing folder.

    Returns:
        row_count, column_count, size_bytes, digest (SHA-256 of data.arrow), missing_count,
        column_types (how many of each), likely_key_columns, and columns, each under the field
        names of omniscope.common.v1.DatasetColumn.

    Raises:
        DataError: With one of the reasons of DatasetService.UploadDataset.
    """
    batch = _read(source, source_format)
    types = stored_types(batch)
    stored = out / DATA_FILE
    write_dataset(batch, types, stored)
    columns = profile(batch, types)
    return {
        "row_count": batch.num_rows,
        "column_count": batch.num_columns,
        "size_bytes": stored.stat().st_size,
        "digest": _sha256(stored),
        "missing_count": sum(column["missing_count"] for column in columns),
        "column_types": dict(Counter(types)),
        "likely_key_columns": likely_keys(batch, types),
        "columns": columns,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit status."""
    parser = argparse.ArgumentParser(prog="omniscope_ml.datasets.ingest")
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--format", required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    try:
        _print(ingest(options.source, options.format, options.out))
    except MemoryError:
        return _refuse(
            DataError(
                "the table does not fit into the memory that an upload may take",
                reason="DATASET_TOO_LARGE",
                field="data",
            )
        )
    except DataError as error:
        return _refuse(error)
    return 0


def _read(source: Path, source_format: str) -> pa.RecordBatch:
    reader = _READERS.get(source_format)
    if reader is None:
        raise DataError(
            f"format {source_format!r} is not known; allowed are {', '.join(_READERS)}",
            reason="DATASET_FORMAT_UNKNOWN",
            field="format",
        )
    table = reader(source)
    check_names(table.column_names)
    check_size(table.num_rows, table.num_columns)
    return normalise(table)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _refuse(error: DataError) -> int:
    refusal = {"reason": error.reason, "message": error.message, "field": error.field}
    _print({"error": refusal})
    return REFUSED_STATUS


def _print(answer: Mapping[str, Any]) -> None:
    # In one piece: json.dump to a file encodes value by value, ten times slower.
    sys.stdout.write(json.dumps(answer, allow_nan=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    sys.exit(main())
