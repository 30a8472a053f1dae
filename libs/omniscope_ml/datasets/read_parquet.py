"""Reads Parquet into a table, checking its footer before any data."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from omniscope_ml.datasets.gate import check_names, check_parquet, check_size
from omniscope_ml.errors import DataError

# Above this a small file that unpacks to a huge one is taken for an attack.
MAX_UNPACKED_BYTES = 16 * 2**30


def read_parquet(source: Path) -> pa.Table:
    """Read a Parquet file with flat columns.

    Raises:
        DataError: DATASET_EMPTY, DATASET_FORMAT_MISMATCH, DATASET_MALFORMED, DATASET_TOO_LARGE,
            DATASET_TOO_WIDE, COLUMN_DUPLICATED.
    """
    check_parquet(source)
    try:
        with pq.ParquetFile(source) as file:
            _check_footer(file)
            table = file.read()
        table.validate(full=True)
    except MemoryError:
        raise  # Also an ArrowException, but it says nothing about the file.
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"the file cannot be read as Parquet: {str(error).splitlines()[0][:200]}",
            reason="DATASET_MALFORMED",
            field="data",
        ) from error
    return table


def _check_footer(file: pq.ParquetFile) -> None:
    footer = file.metadata
    check_names(file.schema_arrow.names)
    check_size(footer.num_rows, footer.num_columns)
    unpacked = sum(footer.row_group(i).total_byte_size for i in range(footer.num_row_groups))
    if unpacked > MAX_UNPACKED_BYTES:
        raise DataError(
            f"the file unpacks to {unpacked} bytes; at most {MAX_UNPACKED_BYTES} are allowed",
            reason="DATASET_TOO_LARGE",
            field="data",
        )
