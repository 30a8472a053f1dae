"""The output of a child as clean lines."""

import asyncio
from collections.abc import AsyncIterator

from omniscope_service.jobs.report_pipe import MAX_TEXT, clean

_CHUNK_BYTES = 65_536
_MAX_LINE_BYTES = 4 * MAX_TEXT


async def lines(reader: asyncio.StreamReader) -> AsyncIterator[str]:
    r"""Yield lines without control characters until the pipe ends; empty ones are left out.

    A carriage return ends a line too, as progress bars write it. An endless line is cut in pieces.
    """
    rest = b""
    while chunk := await reader.read(_CHUNK_BYTES):
        *whole, rest = (rest + chunk).replace(b"\r", b"\n").split(b"\n")
        if len(rest) > _MAX_LINE_BYTES:
            whole, rest = [*whole, rest], b""
        for line in whole:
            if text := clean(line.decode(errors="replace")):
                yield text
    if text := clean(rest.decode(errors="replace")):
        yield text
