"""Reads Arrow's own formats: IPC files (Feather version 2 is the same) and IPC streams."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from omniscope_ml.datasets.columns import check_types
from omniscope_ml.datasets.gate import check_names, check_size, check_unpacked
from omniscope_ml.errors import DataError

_FILE_MARK = b"ARROW1"


def read_arrow(source: Path) -> pa.Table:
    """Read an Arrow file or stream with flat columns; its buffers may be compressed.

    Raises:
        DataError: DATASET_EMPTY, DATASET_MALFORMED, DATASET_TOO_LARGE, DATASET_TOO_WIDE,
            COLUMN_DUPLICATED.
    """
    try:
        with pa.memory_map(str(source)) as file:
            return _read(file, source.stat().st_size)
    except MemoryError:
        raise  # Also an ArrowException, but it says nothing about the file.
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"the file cannot be read as Arrow: {str(error).splitlines()[0][:200]}",
            reason="DATASET_MALFORMED",
            field="data",
        ) from error


def _read(file: pa.MemoryMappedFile, packed_bytes: int) -> pa.Table:
    is_file = file.read(len(_FILE_MARK)) == _FILE_MARK
    file.seek(0)
    with pa.ipc.open_file(file) if is_file else pa.ipc.open_stream(file) as reader:
        check_names(reader.schema.names)
        check_types(reader.schema)
        batches = _batches(reader)
        return pa.Table.from_batches(_within_caps(batches, packed_bytes), reader.schema)


def _batches(
    reader: pa.RecordBatchFileReader | pa.RecordBatchStreamReader,
) -> Iterator[pa.RecordBatch]:
    if isinstance(reader, pa.RecordBatchFileReader):
        return (reader.get_batch(number) for number in range(reader.num_record_batches))
    return iter(reader)


def _within_caps(batches: Iterator[pa.RecordBatch], packed_bytes: int) -> Iterator[pa.RecordBatch]:
    """Pass batches on until they are too many: Arrow tells a table's size piece by piece."""
    rows = unpacked_bytes = 0
    for batch in batches:
        # Before anything asks for its size: that follows offsets which may lead anywhere.
        batch.validate(full=True)
        rows += batch.num_rows
        unpacked_bytes += batch.nbytes
        if batch.num_rows:
            check_size(rows, batch.num_columns)
        check_unpacked(packed_bytes, unpacked_bytes)
        yield batch
