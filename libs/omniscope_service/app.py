"""A service, and the one place that starts and stops it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import structlog

from omniscope_service.errors import ConfigurationError
from omniscope_service.rpc.server import Registration, RunningServer, start_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from omniscope_service.rpc.auth import TokenVerifier

    Build: TypeAlias = Callable[[AsyncExitStack], Awaitable["Service"]]

T = TypeVar("T")

_log = structlog.get_logger()

EXIT_CONFIGURATION = 78
"""Exit status of a process that cannot start as it was configured (`EX_CONFIG`)."""


@dataclass
class Service:
    """A process of the suite: a server, loops, or both.

    Attributes:
        name: For logs and the line that says that it is ready.
        listen: `host:port` of its server.
        registrations: What the server serves; none means no server.
        described: Full names of the gRPC services that its reflection lists, those of others
            included; None: those that it serves.
        verifier: Tells callers apart; needed with registrations.
        background: Loops that support the server. Cancelled once the server has stopped.
        workers: Loops that take work. The event tells them to take no more and to hand back or
            finish what they have; cancelled after `drain_seconds`.
        grace_seconds: Time that open calls get to end when the process is stopped.
        drain_seconds: Time that workers get after that.
    """

    name: str
    listen: str = ""
    registrations: list[Registration] = field(default_factory=list)
    described: Sequence[str] | None = None
    verifier: TokenVerifier | None = None
    background: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    workers: list[Callable[[asyncio.Event], Awaitable[None]]] = field(default_factory=list)
    grace_seconds: float = 20.0
    drain_seconds: float = 30.0


class RunningService:
    """A started service. Made by `running`."""

    def __init__(self, service: Service, server: RunningServer | None) -> None:
        self._service = service
        self._server = server
        self._stopping = asyncio.Event()
        self._workers = [_task(worker(self._stopping)) for worker in service.workers]
        self._background = [_task(loop()) for loop in service.background]

    @property
    def target(self) -> str:
        """Address of the server, with the port that it really has; empty without a server."""
        return self._server.target if self._server else ""

    async def ended(self) -> None:
        """Wait until a loop ends, which none does by itself: something is wrong then."""
        loops = [*self._workers, *self._background]
        if not loops:
            await asyncio.Event().wait()
        await asyncio.wait(loops, return_when=asyncio.FIRST_COMPLETED)
        _log.error("a loop ended by itself", service=self._service.name)

    async def stop(self) -> None:
        """Stop in the one order that loses nothing; the resources are closed after this."""
        if self._server:
            await self._server.leave()
        self._stopping.set()  # Workers take no more work.
        if self._server:
            await self._server.stop(self._service.grace_seconds)
        await _finish(self._workers, self._service.drain_seconds)
        await _finish(self._background, 0)
        for task in (*self._workers, *self._background):
            if not task.cancelled() and (error := task.exception()):
                _log.error("a loop failed", exc_info=error)


@asynccontextmanager
async def running(service: Service) -> AsyncIterator[RunningService]:
    """Start a service, and stop it when the block ends."""
    server = None
    if service.registrations:
        assert service.verifier is not None
        server = await start_server(
            service.listen, service.registrations, service.verifier, service.described
        )
    started = RunningService(service, server)
    try:
        yield started
    finally:
        await started.stop()


def run(build: Build) -> None:
    """Run a service until SIGTERM or SIGINT; a second signal ends the process at once.

    Prints `READY <name> <host:port>` on stdout once it is SERVING. Never returns when something
    went wrong: exit status 78 for a configuration that cannot work, 1 for a failure.

    Args:
        build: Opens the resources, pushing each onto the stack that it is given, and returns the
            service. The stack is closed in reverse order after everything else has stopped.
    """
    try:
        stopped = asyncio.run(_run(build))
    except ConfigurationError as err:
        print(err, file=sys.stderr)  # noqa: T201 - for whoever started the process
        sys.exit(EXIT_CONFIGURATION)
    if not stopped:
        sys.exit(1)


async def _run(build: Build) -> bool:
    """Run a service; return whether it ended because it was told to."""
    stop = _stop_signal()
    async with AsyncExitStack() as stack:
        service = await _unless(stop, build(stack))
        if service is None:
            return True
        async with running(service) as started:
            ready = f"READY {service.name} {started.target}".rstrip()
            print(ready, flush=True)  # noqa: T201 - for whoever started the process
            await _unless(stop, started.ended())
            _log.info("stopping")
    _log.info("stopped")
    return stop.is_set()


def _stop_signal() -> asyncio.Event:
    """Return an event that the first signal sets; the second one ends the process."""
    stop = asyncio.Event()

    def on_signal(number: int) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, on_signal, number)
    return stop


async def _unless(stop: asyncio.Event, work: Awaitable[T]) -> T | None:
    """Return what some work gives, or cancel it and return None when the stop comes first."""
    task, stopped = _task(work), _task(stop.wait())
    try:
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        await _finish([task, stopped], 0)


async def _finish(tasks: Sequence[asyncio.Task[Any]], seconds: float) -> None:
    """Give tasks some time to end, then cancel the rest."""
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=seconds)
    for task in late:
        task.cancel()
    await asyncio.wait(tasks)


def _task(work: Awaitable[T]) -> asyncio.Task[T]:
    async def awaited() -> T:
        return await work

    return asyncio.create_task(awaited())
