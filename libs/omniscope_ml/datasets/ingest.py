"""Turns an uploaded file into a stored dataset; a program, so hostile files meet a bare process.

Usage: python -m omniscope_ml.datasets.ingest --source FILE --format FORMAT --out DIR

Writes DIR/data.arrow and DIR/preview.json, and prints the dataset's description as JSON. For a
file that cannot be used it prints {"error": {"reason", "message", "field"}}; its status is 3 then.
"""

import argparse
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omniscope_ml.datasets.arrow_file import open_dataset
from omniscope_ml.datasets.arrow_writer import stored_types, write_dataset
from omniscope_ml.datasets.findings import broken_keys, findings
from omniscope_ml.datasets.preview import write_preview
from omniscope_ml.datasets.profile import likely_keys, profile
from omniscope_ml.datasets.profile_sparse import profile_sparse
from omniscope_ml.datasets.upload_readers import read_table
from omniscope_ml.datasets.without_pandas import forbid_pandas
from omniscope_ml.errors import DataError

DATA_FILE = "data.arrow"
PREVIEW_FILE = "preview.json"
REFUSED_STATUS = 3


def ingest(source: Path, source_format: str, out: Path) -> dict[str, Any]:
    """Store a file as `out/data.arrow`, its first rows as `out/preview.json`, and describe it.

    Args:
        source: The uploaded file.
        source_format: One of `formats.FORMATS`.
        out: Existing folder.

    Returns:
        row_count, column_count, size_bytes, digest (SHA-256 of data.arrow), missing_count,
        column_types (how many of each), likely_key_columns, constant_column_count,
        duplicate_column_count, warnings, and columns, each under the field names of
        omniscope.common.v1.DatasetColumn.

    Raises:
        DataError: With one of the reasons of DatasetService.UploadDataset.
    """
    read = read_table(source, source_format, out)
    batch, sparse = read.batch, read.sparse
    types = stored_types(batch)
    stored = out / DATA_FILE
    write_dataset(batch, types, stored, sparse)
    write_preview(open_dataset(stored), out / PREVIEW_FILE)
    columns = profile(batch, types)
    if sparse is not None:
        columns += profile_sparse(sparse, batch.num_columns)
    broken = broken_keys(batch, types)
    return {
        "row_count": batch.num_rows,
        "column_count": len(columns),
        "size_bytes": stored.stat().st_size,
        "digest": _sha256(stored),
        "missing_count": sum(column["missing_count"] for column in columns),
        "column_types": dict(Counter(column["type"] for column in columns)),
        "likely_key_columns": likely_keys(batch, types),
        "constant_column_count": sum(column["constant"] for column in columns),
        "duplicate_column_count": sum("duplicate_of" in column for column in columns),
        "warnings": findings(columns, batch.num_rows, read.ignored, broken),
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
    forbid_pandas()
    sys.exit(main())
