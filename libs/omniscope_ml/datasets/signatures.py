"""Tells by its first bytes what a file is, and refuses one that is not what it is said to be."""

import mmap
from collections.abc import Mapping
from pathlib import Path

from omniscope_ml.errors import DataError

TEXT_FORMATS = ("csv", "tsv")
_GZIP = "a gzip file"
_PARQUET = "a Parquet file"
_ARROW = "an Arrow file"
_ARROW_STREAM = "an Arrow stream"
_HDF5 = "an HDF5 file"

_SIGNATURES: Mapping[bytes, str] = {
    b"PAR1": _PARQUET,
    b"PARE": "an encrypted Parquet file",
    b"ARROW1": _ARROW,
    b"\xff\xff\xff\xff": _ARROW_STREAM,
    b"FEA1": "a Feather file of version 1",
    b"\x89HDF\r\n\x1a\n": _HDF5,
    b"\x1f\x8b": _GZIP,
    b"PK\x03\x04": "a zip file or a spreadsheet",
    b"\x28\xb5\x2f\xfd": "a zstd file",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ": "an xz file",
    b"%PDF": "a PDF document",
    b"\x89PNG": "a picture",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet",
    b"\x80\x02": "a pickle",
    b"\x80\x03": "a pickle",
    b"\x80\x04": "a pickle",
    b"\x80\x05": "a pickle",
}
_EXPECTED: Mapping[str, tuple[str, ...]] = {
    "csv.gz": (_GZIP,),
    "tsv.gz": (_GZIP,),
    "parquet": (_PARQUET,),
    "arrow": (_ARROW, _ARROW_STREAM),
    "h5ad": (_HDF5,),
}
_PARQUET_MARK = b"PAR1"


def check_signature(source: Path, source_format: str) -> None:
    """Refuse a file whose bytes are not those of its format; the message names both.

    Args:
        source: The file.
        source_format: One of the known formats.

    Raises:
        DataError: DATASET_EMPTY or DATASET_FORMAT_MISMATCH.
    """
    found = _kind_of(source)
    if source_format in TEXT_FORMATS:
        if found:
            raise mismatch(source_format, f"it is {found}")
        _check_no_zero_byte(source, source_format)
    elif found not in _EXPECTED[source_format]:
        expected = " or ".join(_EXPECTED[source_format])
        raise mismatch(
            source_format, f"it is {found or 'text or of no known kind'}, not {expected}"
        )
    elif found == _PARQUET:
        _check_end(source)


def mismatch(expected: str, why: str) -> DataError:
    """Return the error for a file that is not what its format says."""
    return DataError(
        f"the file is not {expected}: {why}", reason="DATASET_FORMAT_MISMATCH", field="format"
    )


def _kind_of(source: Path) -> str:
    with source.open("rb") as file:
        start = file.read(16)
    if not start:
        raise DataError("the file has no bytes", reason="DATASET_EMPTY", field="data")
    return next((kind for mark, kind in _SIGNATURES.items() if start.startswith(mark)), "")


def _check_no_zero_byte(source: Path, source_format: str) -> None:
    with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        zero = text.find(b"\0")
    if zero >= 0:
        raise mismatch(source_format, f"it has a zero byte at offset {zero}, so it is not text")


def _check_end(source: Path) -> None:
    with source.open("rb") as file:
        file.seek(max(0, source.stat().st_size - len(_PARQUET_MARK)))
        end = file.read()
    if end != _PARQUET_MARK:
        raise mismatch("parquet", "it does not end with PAR1, so it is cut short")
