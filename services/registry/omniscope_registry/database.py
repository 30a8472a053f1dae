"""The registry's database: SQLite for one process, PostgreSQL for several.

Writing and reading go separate ways. A write is one transaction. A read runs in autocommit on
connections of its own, so that a poller costs neither a BEGIN nor a wait for a writer. SQLite runs
on the event loop itself (`sqlite_on_loop`); no writer blocks its readers (WAL).
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, Protocol, Self, cast

import structlog
from sqlalchemy import Interval, func, literal, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError

from omniscope_registry.engines import (
    STATEMENT_SECONDS,
    Engines,
    open_engines,
    ran_out_of_time,
)
from omniscope_registry.migrations.upgrade import is_newest, upgrade
from omniscope_registry.sqlite_file import lock_file, upgrade_file
from omniscope_registry.sqlite_on_loop import OnLoop
from omniscope_registry.sqlite_scans import StatementTimeoutError
from omniscope_registry.tables.jobs import training_jobs
from omniscope_registry.tables.metadata import UtcTimestamp
from omniscope_service.errors import ConfigurationError, DeadlineExceeded, Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from sqlalchemy import URL, ColumnElement, CursorResult, Engine, Executable
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

Dialect = Literal["sqlite", "postgresql"]

_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}

_log = structlog.get_logger(__name__)


class Reader(Protocol):
    """A connection as reading code needs it; every `AsyncConnection` is one."""

    async def execute(
        self, statement: Executable, parameters: Mapping[str, Any] | None = None
    ) -> CursorResult[*tuple[Any, ...]]:
        """Run a statement and return its rows."""
        ...

    async def scalar(
        self, statement: Executable, parameters: Mapping[str, Any] | None = None
    ) -> Any:
        """Run a statement and return the first column of its first row; None without one."""
        ...


class Database:
    """Opened, migrated database.

    Attributes:
        dialect: `sqlite` or `postgresql`, for the few statements that differ.
        commits: Grows with every transaction that this process committed, or may have.
    """

    def __init__(self, engines: Engines, dialect: Dialect, lock: IO[bytes] | None) -> None:
        self.dialect = dialect
        self.commits = 0
        self._engines = engines
        self._lock = lock
        self._committed = asyncio.Condition()
        self._anchor = (datetime.now(UTC), time.monotonic())

    @classmethod
    async def open(cls, url: str) -> Self:
        """Open the database and bring its tables up to date.

        Args:
            url: `sqlite+aiosqlite:///<path>` or `postgresql+asyncpg://...`.

        Raises:
            ConfigurationError: Another process has the SQLite file open, or the URL names another
                kind of database.
        """
        parsed = make_url(url)
        dialect = _dialect(parsed)
        lock = lock_file(Path(str(parsed.database))) if dialect == "sqlite" else None
        database = cls(open_engines(parsed), dialect, lock)
        try:
            if dialect == "sqlite":
                await database._upgrade_file(parsed)
            else:
                async with database.write() as connection:
                    await connection.run_sync(upgrade)
        except BaseException:
            await database.close()
            raise
        return database

    @classmethod
    async def is_newest(cls, url: str) -> bool:
        """Tell whether opening a database would find its tables up to date.

        Args:
            url: As for `open`.

        Raises:
            ConfigurationError: The URL names another kind of database.
        """
        parsed = make_url(url)
        dialect = _dialect(parsed)
        if dialect == "sqlite" and not await asyncio.to_thread(Path(str(parsed.database)).exists):
            return False
        database = cls(open_engines(parsed), dialect, None)
        try:
            async with database.read() as connection:
                return await cast("AsyncConnection", connection).run_sync(is_newest)
        finally:
            await database.close()

    async def _upgrade_file(self, url: URL) -> None:
        """Upgrade, and count on from what an earlier process has written.

        The wall clock may have been set back since, and its jobs would not be due.
        """
        with self._outages():
            await asyncio.to_thread(upgrade_file, url)
        async with self.read() as connection:
            last = await connection.scalar(select(func.max(training_jobs.c.updated_at)))
        wall, started = self._anchor
        self._anchor = (max(wall, last or wall), started)

    async def close(self) -> None:
        """Close all connections; a second call does nothing."""
        await self._engines.dispose()
        if self._lock is not None:
            self._lock.close()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Run one transaction: committed at the end, rolled back on any exception.

        Raises:
            Unavailable: The database does not answer; reason DATABASE_UNAVAILABLE.
        """
        try:
            with self._outages():
                async with self._engines.writer.begin() as connection:
                    # OnLoop has what writing code uses of one.
                    yield cast("AsyncConnection", connection)
        except asyncio.CancelledError:
            # Perhaps during the commit, which is not undone: whoever waits for one looks.
            await self._notify_of_commit()
            raise
        await self._notify_of_commit()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Reader]:
        """Run statements that only read, each for itself.

        Raises:
            Unavailable: The database does not answer; reason DATABASE_UNAVAILABLE.
        """
        with self._outages():
            if self.dialect == "postgresql":
                async with cast("AsyncEngine", self._engines.reader).connect() as connection:
                    yield connection
            else:
                with cast("Engine", self._engines.reader).connect() as on_loop:
                    yield OnLoop(on_loop)

    @asynccontextmanager
    async def scan(self, *, own: bool = False) -> AsyncIterator[Reader]:
        """Run statements that read and may have to look at all rows, each for itself.

        The event loop goes on meanwhile.

        Args:
            own: For a loop of the registry, which waits for no user's scan.

        Raises:
            DeadlineExceeded: A statement took longer than 5 s; reason QUERY_TOO_SLOW.
            Unavailable: The database does not answer; reason DATABASE_UNAVAILABLE.
        """
        scanner = self._engines.own_scanner if own else self._engines.scanner
        with self._outages(), _statement_limit():
            async with scanner.connect() as connection:
                yield connection

    async def wait_for_commit(self, *, after: int, timeout_seconds: float) -> None:
        """Return when `commits` has grown beyond `after`, or when the time is over.

        Read `commits` before reading rows, or a commit in between is missed.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds), self._committed:
                await self._committed.wait_for(lambda: self.commits > after)

    async def _notify_of_commit(self) -> None:
        self.commits += 1
        async with self._committed:
            self._committed.notify_all()

    @contextmanager
    def _outages(self) -> Iterator[None]:
        """Tell what a later call can mend from what is wrong in a statement."""
        try:
            yield
        except (IntegrityError, ProgrammingError, DataError):
            raise
        except self._engines.no_answer as error:
            # Callers are told to come again; what to mend is told here. Not the statement, which
            # holds what users sent.
            cause = error.orig if isinstance(error, DBAPIError) else error
            _log.warning(
                "database does not answer", cause=f"{type(cause).__name__}: {cause}"[:500]
            )
            raise Unavailable(
                "the registry's database does not answer",
                reason="DATABASE_UNAVAILABLE",
                retry_after_seconds=1.0,
            ) from error

    def now(self, offset: timedelta = timedelta(0)) -> ColumnElement[datetime]:
        """Return the database's clock as an SQL expression, the only clock that decides.

        PostgreSQL: `clock_timestamp()`, for `now()` stands still within a transaction. SQLite has
        one process, so it is that process's clock: anchored once and monotonic from there on, so
        that a step of the wall clock ends no lease.

        Args:
            offset: Added to the time; negative for times that have passed.
        """
        if self.dialect == "postgresql":
            return func.clock_timestamp(type_=UtcTimestamp()) + literal(offset, Interval())
        wall, started = self._anchor
        elapsed = timedelta(seconds=time.monotonic() - started)
        return literal(wall + elapsed + offset, UtcTimestamp())


def _dialect(url: URL) -> Dialect:
    dialect = url.get_backend_name()
    if url.drivername != _DRIVERS.get(dialect):
        allowed = ", ".join(f"{driver}://" for driver in _DRIVERS.values())
        raise ConfigurationError(
            f"OMNISCOPE_DATABASE_URL: scheme {url.drivername!r} is not one of {allowed}"
        )
    return cast("Dialect", dialect)


@contextmanager
def _statement_limit() -> Iterator[None]:
    """Tell a statement that took too long from a database that does not answer."""
    try:
        yield
    except (StatementTimeoutError, DBAPIError) as error:
        if not ran_out_of_time(error):
            raise
        raise DeadlineExceeded(
            f"The rows that are asked for were not found within {STATEMENT_SECONDS:g} s; ask for "
            "fewer: by a filter on a name, a dataset or a state, or by a smaller depth.",
            reason="QUERY_TOO_SLOW",
        ) from error
