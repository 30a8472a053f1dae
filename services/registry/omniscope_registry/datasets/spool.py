"""Takes a file that arrives in chunks to disk, so that memory stays flat whatever its size."""

from __future__ import annotations

import asyncio
import errno
import hashlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

from omniscope_service.errors import DeadlineExceeded, ResourceExhausted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

_IDLE_SECONDS: Final = 120.0


@dataclass(frozen=True)
class SpooledFile:
    """A file that has arrived; `digest` is the SHA-256 of its bytes, hexadecimal."""

    path: Path
    digest: str
    size_bytes: int


async def spool(chunks: AsyncIterator[bytes], path: Path, max_bytes: int) -> SpooledFile:
    """Write chunks to a file and hash them on the way.

    Raises:
        ResourceExhausted: More than `max_bytes` came, reason DATASET_TOO_LARGE, or the disk is
            full, reason DISK_FULL.
        DeadlineExceeded: The client stopped sending; reason UPLOAD_STALLED.
    """
    digest = hashlib.sha256()
    size = 0
    with path.open("wb") as file:
        while (chunk := await _next(chunks)) is not None:
            size += len(chunk)
            if size > max_bytes:
                raise ResourceExhausted(
                    f"The file is larger than the {max_bytes} bytes that an upload may have.",
                    reason="DATASET_TOO_LARGE",
                    field="data",
                )
            await asyncio.to_thread(_append, file, digest, chunk)
    return SpooledFile(path, digest.hexdigest(), size)


async def _next(chunks: AsyncIterator[bytes]) -> bytes | None:
    try:
        async with asyncio.timeout(_IDLE_SECONDS):
            return await anext(chunks, None)
    except TimeoutError as error:
        raise DeadlineExceeded(
            f"No chunk arrived for {_IDLE_SECONDS:.0f} s; send the file again.",
            reason="UPLOAD_STALLED",
            field="data",
        ) from error


def _append(file: IO[bytes], digest: hashlib._Hash, chunk: bytes) -> None:
    digest.update(chunk)
    try:
        file.write(chunk)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise disk_full() from error


def disk_full() -> ResourceExhausted:
    """Return the error for an upload that the registry's disk has no room for."""
    return ResourceExhausted(
        "The registry's disk is full; remove datasets or models, or use a larger disk.",
        reason="DISK_FULL",
    )
