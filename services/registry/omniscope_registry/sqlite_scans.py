"""SQLite beside the event loop: statements that may have to look at every row of a table.

They run in threads and on connections of their own, a few at a time, and no longer than a limit.
`sqlite_on_loop` says why all others run on the loop.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from sqlalchemy import Connection, CursorResult, Engine, Executable

T = TypeVar("T")

CONCURRENT_SCANS: Final = 4
"""Scans for users at a time."""
OWN_SCANS: Final = 1
"""Scans of the registry's own loops at a time, which wait for no user's."""
# An interrupt is lost on a statement that its thread has not begun yet.
_INTERRUPT_SECONDS: Final = 0.02


class StatementTimeoutError(Exception):
    """A statement took longer than it may."""


class Scans:
    """Gives connections whose statements run in threads.

    Args:
        engine: Makes read-only connections that any thread may use.
        limit_seconds: A statement that takes longer is interrupted.
        concurrent: Connections that are lent at a time.
    """

    def __init__(self, engine: Engine, limit_seconds: float, concurrent: int) -> None:
        self._engine = engine
        self._limit_seconds = limit_seconds
        self._free = asyncio.Semaphore(concurrent)
        self._threads = ThreadPoolExecutor(concurrent, thread_name_prefix="scan")

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[InThread]:
        """Lend a connection, as soon as one is free.

        Raises:
            StatementTimeoutError: A statement took longer than the limit.
        """
        async with self._free:
            with self._engine.connect() as connection:
                yield InThread(connection, self._threads, self._limit_seconds)

    def dispose(self) -> None:
        """Close the connections and end the threads."""
        self._threads.shutdown()
        self._engine.dispose()


class InThread:
    """As much of an `AsyncConnection` as reading code uses, over a connection used in threads."""

    def __init__(
        self, connection: Connection, threads: ThreadPoolExecutor, limit_seconds: float
    ) -> None:
        self._connection = connection
        self._threads = threads
        self._limit_seconds = limit_seconds

    async def execute(
        self, statement: Executable, parameters: Mapping[str, Any] | None = None
    ) -> CursorResult[*tuple[Any, ...]]:
        """Run a statement and return its rows, all of them read by then."""
        rows = await self._run(lambda: self._connection.execute(statement, parameters).freeze())
        # It has what reading code uses of a result.
        return cast("CursorResult[*tuple[Any, ...]]", rows())

    async def scalar(
        self, statement: Executable, parameters: Mapping[str, Any] | None = None
    ) -> Any:
        """Run a statement and return the first column of its first row; None without one."""
        return await self._run(lambda: self._connection.scalar(statement, parameters))

    async def _run(self, work: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        working = loop.run_in_executor(self._threads, work)
        try:
            async with asyncio.timeout(self._limit_seconds):
                return await asyncio.shield(working)
        except TimeoutError as error:
            raise StatementTimeoutError from error
        finally:
            await self._interrupt(working)

    async def _interrupt(self, working: asyncio.Future[Any]) -> None:
        """Have a thread done with the connection, which is somebody else's next."""
        driver: Any = self._connection.connection.driver_connection
        while not working.done():
            driver.interrupt()
            # What ended the call is on its way up already.
            with suppress(asyncio.CancelledError):
                await asyncio.wait({working}, timeout=_INTERRUPT_SECONDS)
        working.exception()  # has been raised, or is what the interrupt made of the statement
