"""SQLite on the event loop: statements take microseconds there, and only commits wait for a disk.

An asynchronous driver hands every statement to a thread and back several times, which takes ten
times as long as the statement itself: that was most of what a poll, and most of what a write cost.
What can take long leaves the loop here too: commits, and statements for thousands of rows.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sqlalchemy.exc import OperationalError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from sqlalchemy import (
        Connection,
        CursorResult,
        Dialect,
        Engine,
        Executable,
        RootTransaction,
    )

    Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]] | None

T = TypeVar("T")

_ROWS_ON_LOOP: Final = 1000
# Another process that writes for longer is a fault: a backup, a shell that was left open.
_PATIENCE_SECONDS: Final = 5.0
_RETRY_SECONDS: Final = 0.02


class OnLoop:
    """As much of an `AsyncConnection` as stores use, over a connection that answers at once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def dialect(self) -> Dialect:
        """The dialect that SQL is compiled for."""
        return self._connection.dialect

    async def execute(
        self, statement: Executable, parameters: Parameters = None
    ) -> CursorResult[*tuple[Any, ...]]:
        """Run a statement, once for each set of parameters."""
        if parameters is not None and len(parameters) > _ROWS_ON_LOOP:
            return await _in_thread(self._connection.execute, statement, parameters)
        return self._connection.execute(statement, parameters)

    async def scalar(
        self, statement: Executable, parameters: Mapping[str, Any] | None = None
    ) -> Any:
        """Run a statement and return the first column of its first row; None without one."""
        return self._connection.scalar(statement, parameters)

    async def run_sync(self, work: Callable[[Connection], T]) -> T:
        """Give the connection to a function."""
        return await _in_thread(work, self._connection)


class Transactions:
    """One transaction after the other: SQLite has one writer at a time.

    Args:
        engine: Its connections may be used by any thread; here by one after the other. They must
            not wait for a lock by themselves, or the loop would wait with them.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[OnLoop]:
        """Run one transaction: committed at the end, rolled back on any exception."""
        # From here on, not from its turn: writers that wait in line would add their waits up.
        give_up_at = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
        async with self._turn:
            with (
                self._engine.connect() as connection,
                await _begun(connection, give_up_at) as transaction,
            ):
                yield OnLoop(connection)
                await _in_thread(transaction.commit)

    def dispose(self) -> None:
        """Close the connection."""
        self._engine.dispose()


async def _begun(connection: Connection, give_up_at: float) -> RootTransaction:
    """Begin a transaction; while another process writes, try again and again."""
    loop = asyncio.get_running_loop()
    while True:
        try:
            return connection.begin()
        except OperationalError as error:
            if not _is_busy(error) or loop.time() > give_up_at:
                raise
        await asyncio.sleep(_RETRY_SECONDS)


def _is_busy(error: OperationalError) -> bool:
    cause = error.orig
    if not isinstance(cause, sqlite3.Error):
        return False
    # An extended code says in its upper bytes for whom one waits, such as for a recovery.
    return cause.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY


async def _in_thread(work: Callable[..., T], *arguments: Any) -> T:
    """Return what work returns; also when cancelled, nobody else uses its connection meanwhile."""
    working = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
    cancelled = False
    while not working.done():
        try:
            await asyncio.wait({working})
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        # Also when the work failed: a loop that goes on after failures would outlive its end.
        raise asyncio.CancelledError from working.exception()
    return working.result()
