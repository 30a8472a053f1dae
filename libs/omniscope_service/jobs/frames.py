"""Messages between worker and child: JSON objects behind a 4-byte big-endian length.

The worker reads with asyncio, the child with plain blocking calls. Standard library only, because
the child imports this.
"""

import asyncio
import json
import os
from collections.abc import Mapping
from typing import Any

MAX_FRAME_BYTES = 16 * 1024 * 1024
_HEADER_BYTES = 4

Frame = dict[str, Any]


class FrameError(Exception):
    """The other side sent something that is no frame."""


def encode(frame: Mapping[str, object]) -> bytes:
    """Return a frame as bytes.

    Raises:
        ValueError: It holds NaN or infinity, or is larger than 16 MiB.
    """
    body = json.dumps(frame, allow_nan=False, separators=(",", ":")).encode()
    if len(body) > MAX_FRAME_BYTES:
        raise ValueError(f"a frame has {len(body)} bytes; at most {MAX_FRAME_BYTES} are allowed")
    return len(body).to_bytes(_HEADER_BYTES, "big") + body


async def read_frame(reader: asyncio.StreamReader) -> Frame | None:
    """Return the next frame, or None when the other side has closed the pipe.

    A frame that the other side began and never ended counts as none: its process died.

    Raises:
        FrameError: What came is no frame.
    """
    try:
        size = _checked_size(await reader.readexactly(_HEADER_BYTES))
        return _decode(await reader.readexactly(size))
    except asyncio.IncompleteReadError:
        return None


def receive_frame(descriptor: int) -> Frame | None:
    """Wait for the next frame on a file descriptor; None when the other side has closed it.

    Raises:
        FrameError: What came is no frame.
    """
    header = _read_exactly(descriptor, _HEADER_BYTES)
    body = _read_exactly(descriptor, _checked_size(header)) if header else b""
    return _decode(body) if body else None


def send_frame(descriptor: int, frame: Mapping[str, object]) -> None:
    """Write a frame to a file descriptor; waits while the other side does not read.

    Raises:
        ValueError: It holds NaN or infinity, or is larger than 16 MiB.
    """
    view = memoryview(encode(frame))
    while view:
        view = view[os.write(descriptor, view) :]


def _read_exactly(descriptor: int, size: int) -> bytes:
    """Return `size` bytes; none when the pipe ended before."""
    parts = []
    while size:
        part = os.read(descriptor, size)
        if not part:
            return b""
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _checked_size(header: bytes) -> int:
    size = int.from_bytes(header, "big")
    if not 0 < size <= MAX_FRAME_BYTES:
        raise FrameError(f"a frame announces {size} bytes; 1 to {MAX_FRAME_BYTES} are allowed")
    return size


def _decode(body: bytes) -> Frame:
    try:
        frame = json.loads(body)
    except ValueError as error:
        raise FrameError("a frame is not JSON") from error
    if not isinstance(frame, dict) or not isinstance(frame.get("type"), str):
        raise FrameError("a frame is not an object with a type")
    return frame
