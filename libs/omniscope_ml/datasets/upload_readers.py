"""Chooses the reader for the format of an upload, and brings what it read into one form."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa

from omniscope_ml.datasets.columns import normalise
from omniscope_ml.datasets.formats import FORMATS
from omniscope_ml.datasets.gate import check_names, check_size
from omniscope_ml.datasets.gunzip import unpack
from omniscope_ml.datasets.read_arrow import read_arrow
from omniscope_ml.datasets.read_csv import read_csv
from omniscope_ml.datasets.read_h5ad import read_h5ad
from omniscope_ml.datasets.read_parquet import read_parquet
from omniscope_ml.datasets.signatures import check_signature
from omniscope_ml.datasets.sparse import SparseColumns
from omniscope_ml.errors import DataError

_PACKED = ".gz"
_UNPACKED_FILE = "unpacked"
_TABLE_READERS: Mapping[str, Callable[[Path], pa.Table]] = {
    "csv": read_csv,
    "tsv": partial(read_csv, separator="\t"),
    "parquet": read_parquet,
    "arrow": read_arrow,
}


@dataclass(frozen=True)
class ReadTable:
    """An upload as it was read.

    Attributes:
        batch: Columns of stored types.
        sparse: Columns that follow them; None when there are none.
        ignored: Parts of the file that are not taken.
    """

    batch: pa.RecordBatch
    sparse: SparseColumns | None
    ignored: list[str]


def read_table(source: Path, source_format: str, scratch: Path) -> ReadTable:
    """Read an uploaded file after checking that it is what its format says.

    Args:
        source: The file.
        source_format: One of `formats.FORMATS`.
        scratch: Existing folder for an unpacked copy, which is removed again.

    Raises:
        DataError: With one of the reasons of DatasetService.UploadDataset.
    """
    if source_format not in FORMATS:
        raise DataError(
            f"format {source_format!r} is not known; allowed are {', '.join(FORMATS)}",
            reason="DATASET_FORMAT_UNKNOWN",
            field="format",
        )
    check_signature(source, source_format)
    if source_format == "h5ad":
        matrix = read_h5ad(source)
        return ReadTable(normalise(matrix.table), matrix.sparse, matrix.ignored)
    if source_format.endswith(_PACKED):
        return _read_packed(source, source_format.removesuffix(_PACKED), scratch)
    table = _TABLE_READERS[source_format](source)
    check_names(table.column_names)
    check_size(table.num_rows, table.num_columns)
    return ReadTable(normalise(table), None, [])


def _read_packed(source: Path, source_format: str, scratch: Path) -> ReadTable:
    unpacked = scratch / _UNPACKED_FILE
    try:
        unpack(source, unpacked)
        return read_table(unpacked, source_format, scratch)
    finally:
        unpacked.unlink(missing_ok=True)
