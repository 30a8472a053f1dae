"""Reads Parquet into a table, checking its footer before any data."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from omniscope_ml.datasets.columns import check_types
from omniscope_ml.datasets.gate import check_names, check_size, check_unpacked
from omniscope_ml.errors import DataError


def read_parquet(source: Path) -> pa.Table:
    """Read a Parquet file with flat columns.

    Raises:
        DataError: DATASET_EMPTY, DATASET_MALFORMED, DATASET_TOO_LARGE, DATASET_TOO_WIDE,
            COLUMN_DUPLICATED.
    """
    try:
        with pq.ParquetFile(source) as file:
            _check_footer(file, source.stat().st_size)
            table = file.read()
        table.validate(full=True)
    except MemoryError:
        raise  # Also an ArrowException, but it says nothing about the file.
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"the file cannot be read as Parquet: {str(error).splitlines()[0][:200]}",
            reason="DATASET_MALFORMED",
            field="data",
        ) from error
    return table


def _check_footer(file: pq.ParquetFile, packed_bytes: int) -> None:
    footer = file.metadata
    check_names(file.schema_arrow.names)
    check_types(file.schema_arrow)
    check_size(footer.num_rows, footer.num_columns)
    groups = range(footer.num_row_groups)
    check_unpacked(packed_bytes, sum(footer.row_group(i).total_byte_size for i in groups))
