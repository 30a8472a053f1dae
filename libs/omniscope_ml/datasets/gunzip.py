"""Unpacks gzip within bounds: a small file must not become an endless one."""

import gzip
import zlib
from pathlib import Path

from omniscope_ml.errors import DataError

MAX_UNPACKED_BYTES = 2 * 2**30
MAX_RATIO = 200
# Below this even a file of zeros does no harm, whatever its ratio.
FREE_BYTES = 64 * 2**20

_CHUNK_BYTES = 2**20


def unpack(source: Path, target: Path) -> None:
    """Unpack a gzip file, also one of several members.

    Raises:
        DataError: DATASET_MALFORMED when the file is damaged; DATASET_TOO_LARGE when it unpacks
            to more than 2 GiB, or to more than 64 MiB and 200 times its own size.
    """
    packed_bytes = source.stat().st_size
    allowed = min(MAX_UNPACKED_BYTES, max(FREE_BYTES, MAX_RATIO * packed_bytes))
    unpacked_bytes = 0
    with gzip.open(source) as packed, target.open("wb") as unpacked:
        while chunk := _read(packed):
            unpacked_bytes += len(chunk)
            if unpacked_bytes > allowed:
                raise DataError(
                    f"the file of {packed_bytes} bytes unpacks to more than the {allowed} bytes "
                    "that are allowed for it",
                    reason="DATASET_TOO_LARGE",
                    field="data",
                )
            unpacked.write(chunk)


def _read(packed: gzip.GzipFile) -> bytes:
    try:
        return packed.read(_CHUNK_BYTES)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(
            f"the file cannot be unpacked as gzip, it is damaged or cut short: {error}",
            reason="DATASET_MALFORMED",
            field="data",
        ) from error
