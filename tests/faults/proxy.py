"""A network that fails on demand: a TCP proxy on the loopback interface."""

import asyncio
import socket
import struct
from contextlib import suppress
from typing import Self

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Proxy:
    """Forwards connections to a port; an async context manager.

    Attributes:
        delay_seconds: How long everything takes on its way.
    """

    def __init__(self, port: int) -> None:
        self.delay_seconds = 0.0
        self._port = port
        self._open = asyncio.Event()
        self._open.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def target(self) -> str:
        return "127.0.0.1:{1}".format(*self._server.sockets[0].getsockname())

    def cut(self) -> None:
        """Swallow everything from now on, as a cable that is pulled does: nothing is closed."""
        self._open.clear()

    def heal(self) -> None:
        """Let everything pass again, also what is under way."""
        self._open.set()

    def reset(self) -> None:
        """End every connection at once, in both directions."""
        for writer in self._writers:
            peer = writer.get_extra_info("socket")
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            writer.transport.abort()

    def half_close(self) -> None:
        """Say on every connection that nothing more comes, and go on listening."""
        for writer in self._writers:
            if not writer.transport.is_closing():
                writer.write_eof()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.reset()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        writers = {writer}
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
            writers.add(far_writer)
            self._writers |= writers
            await asyncio.gather(self._pass(reader, far_writer), self._pass(far_reader, writer))
        except OSError:
            pass  # the far end is down: so is the near one
        finally:
            self._writers -= writers
            self._serving.discard(task)
            for each in writers:
                each.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            await asyncio.sleep(self.delay_seconds)
            await self._open.wait()
            writer.write(data)
            await writer.drain()
        with suppress(OSError):
            writer.write_eof()
