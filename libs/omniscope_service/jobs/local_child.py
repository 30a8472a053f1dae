"""A child on this machine, as the worker sees it: pipes, messages, an end."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Self

import structlog

from omniscope_service.errors import Unavailable
from omniscope_service.jobs import process_tree
from omniscope_service.jobs.frames import Frame, FrameError, read_frame, send_frame
from omniscope_service.jobs.output import lines
from omniscope_service.jobs.supervisor import KILLED_BY_SIGNAL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from omniscope_service.jobs.report import JobPaths

_QUEUED_MESSAGES = 1000

_log = structlog.get_logger()


class _Pipe:
    """The reading end of a pipe on the event loop."""

    def __init__(self, reader: asyncio.StreamReader, transport: asyncio.ReadTransport) -> None:
        self.reader = reader
        self._transport = transport

    @classmethod
    async def open(cls, descriptor: int) -> Self:
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", 0)
        )
        return cls(reader, transport)

    def close(self) -> None:
        self._transport.close()


class LocalChild:
    """`Child` behind a supervisor process. Made by `LocalLauncher`."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        mark: str,
        lifeline: int,
        commands: int,
        pipes: tuple[_Pipe, _Pipe],
    ) -> None:
        self._process = process
        self._mark = mark
        self._lifeline: int | None = lifeline
        self._commands: int | None = commands
        self._frames, self._output = pipes
        self._messages: asyncio.Queue[Frame | None] = asyncio.Queue(_QUEUED_MESSAGES)
        self._last_line = ""
        self._started = False
        self._reading = [
            asyncio.create_task(self._read_output()),
            asyncio.create_task(self._end_with_supervisor()),
        ]

    @classmethod
    async def attach(
        cls,
        process: asyncio.subprocess.Process,
        mark: str,
        lifeline: int,
        commands: int,
        frames: int,
        output: int,
    ) -> Self:
        """Take over a started supervisor and our ends of its pipes, by their descriptors."""
        pipes = (await _Pipe.open(frames), await _Pipe.open(output))
        return cls(process, mark, lifeline, commands, pipes)

    @property
    def alive(self) -> bool:
        """False once the process has ended."""
        return self._process.returncode is None

    @property
    def pid(self) -> int:
        """Process id of the supervisor."""
        return self._process.pid

    async def wait_until_warm(self) -> None:
        """Wait until the child has imported its libraries.

        Raises:
            Unavailable: It died instead.
        """
        frame = await read_frame(self._frames.reader)
        if frame is None:
            await self._reading[0]
            raise Unavailable(
                f"The training process did not start: {self._last_line or 'it said nothing'}",
                reason="TRAINER_UNAVAILABLE",
            )

    async def start(self, spec: Mapping[str, object], paths: JobPaths) -> None:
        """Hand over the job."""
        self._started = True
        self._reading.append(asyncio.create_task(self._read_frames()))
        self._reading.append(asyncio.create_task(self._end_messages(*self._reading)))
        assert self._commands is not None, "a closed child takes no job"
        with suppress(BrokenPipeError):
            job = {"type": "job", "spec": spec, "paths": paths.to_dict()}
            # A long list of columns may not fit into the pipe at once.
            await asyncio.to_thread(send_frame, self._commands, job)

    async def messages(self) -> AsyncIterator[Frame]:
        """Yield reports, printed lines and the result, until nothing is left."""
        while (message := await self._messages.get()) is not None:
            yield message

    async def stop(self, grace_seconds: float) -> None:
        """Ask the child to end, and kill its process tree when the grace is over."""
        await self._end(signal.SIGTERM, grace_seconds)

    async def finish(self, grace_seconds: float) -> None:
        """Ask the child for what it has by now, and kill its tree when the grace is over."""
        await self._end(signal.SIGUSR1, grace_seconds)

    async def wait(self) -> int:
        """Wait for the end; 128 + N means that signal N ended it."""
        status = await self._process.wait()
        return status if status >= 0 else KILLED_BY_SIGNAL - status

    async def memory_bytes(self) -> int:
        """Return how much memory its process tree holds; 0 when it has ended."""
        return await asyncio.to_thread(process_tree.memory_bytes, self._process.pid)

    async def close(self) -> None:
        """Kill what is left of it and close its pipes. Idempotent."""
        await self._kill()
        for task in self._reading:
            task.cancel()
        await asyncio.gather(*self._reading, return_exceptions=True)
        self._frames.close()
        self._output.close()
        await asyncio.sleep(0)  # the loop closes a pipe one turn later
        if self._commands is not None:
            os.close(self._commands)
            self._commands = None

    async def _end(self, request: signal.Signals, grace_seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_seconds):
                if self.alive:
                    self._process.send_signal(request)
                await self._process.wait()
        await self._kill()

    async def _kill(self) -> None:
        """Close the lifeline: the supervisor kills the tree and ends."""
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None
        if await self._process.wait() < 0:
            await asyncio.to_thread(process_tree.kill_marked, self._mark)

    async def _end_with_supervisor(self) -> None:
        """Kill what is left when somebody killed the supervisor: its output would never end."""
        if await self._process.wait() < 0:
            await self._kill()

    async def _read_frames(self) -> None:
        try:
            while (frame := await read_frame(self._frames.reader)) is not None:
                await self._messages.put(frame)
        except FrameError as error:
            # Training code wrote to a descriptor that is not its own: the child counts as crashed.
            _log.warning("child sent no frame", error=str(error))
            await self._kill()

    async def _read_output(self) -> None:
        async for line in lines(self._output.reader):
            self._last_line = line
            if self._started:
                await self._messages.put({"type": "log_line", "text": line, "severity": "info"})

    async def _end_messages(self, *reading: asyncio.Task[None]) -> None:
        await asyncio.gather(*reading)
        await self._messages.put(None)
