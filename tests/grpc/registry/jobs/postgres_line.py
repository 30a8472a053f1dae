"""The line to PostgreSQL, which breaks where a test wants it to."""

import asyncio
import math
from contextlib import suppress
from pathlib import Path
from typing import Literal, Self

Moment = Literal["in a transaction", "before its commit", "after its commit"]
_STATEMENTS = 2


class PostgresLine:
    """Forwards a loopback port to the server's socket; an async context manager.

    Args:
        socket_path: Where the server listens.
    """

    def __init__(self, socket_path: Path) -> None:
        self._socket_path = socket_path
        self._cut_at: Moment | None = None
        self._messages = 0.0
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        return int(self._server.sockets[0].getsockname()[1])

    def cut(self, moment: Moment) -> None:
        """Break in the next transaction: after some statements, or before or after it commits."""
        # What is read before the transaction counts for nothing.
        self._cut_at, self._messages = moment, -math.inf

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        far_reader, far_writer = await asyncio.open_unix_connection(self._socket_path)
        self._serving.add(task)
        answering = asyncio.create_task(_pass(far_reader, writer))
        try:
            while data := await reader.read(65_536):
                if self._is_time(data):
                    answering.cancel()
                    await self._break(data, far_reader, far_writer)
                    break
                far_writer.write(data)
        finally:
            self._serving.discard(task)
            writer.transport.abort()
            far_writer.transport.abort()
            answering.cancel()
            await asyncio.wait({answering})

    def _is_time(self, data: bytes) -> bool:
        self._messages = 0 if b"BEGIN" in data else self._messages + 1
        if self._cut_at == "in a transaction":
            return self._messages > _STATEMENTS
        return self._cut_at is not None and b"COMMIT" in data

    async def _break(
        self, last: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        moment, self._cut_at = self._cut_at, None
        if moment == "after its commit":
            writer.write(last)
            await reader.read(65_536)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
        writer.write_eof()
