"""SQLAlchemy engines of a database of either kind: for writing, for reading, for scanning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from omniscope_registry.sqlite_file import sqlite_engines
from omniscope_registry.sqlite_scans import (
    CONCURRENT_SCANS,
    OWN_SCANS,
    Scans,
    StatementTimeoutError,
)

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine
    from sqlalchemy.ext.asyncio import AsyncEngine

    from omniscope_registry.sqlite_on_loop import Transactions

STATEMENT_SECONDS: Final = 5.0
"""A statement that takes longer has met a fault, or looks at too many rows."""
# A statement that waits longer than this has met a fault, not a busy neighbour.
_POSTGRESQL_SETTINGS = {
    "lock_timeout": "2000",
    "statement_timeout": f"{STATEMENT_SECONDS * 1000:.0f}",
    "idle_in_transaction_session_timeout": "30000",
}
_QUERY_CANCELED = "57014"


@dataclass(frozen=True)
class Engines:
    """The ways to a database.

    Attributes:
        writer: One transaction at a time (SQLite), or as many as its pool has connections.
        reader: For statements that find their rows by an index.
        scanner: For statements that may have to look at all rows; a few at a time.
        own_scanner: The same for the registry's own loops, which heal: users do not hold them up.
        no_answer: What is raised while the database cannot be reached.
    """

    writer: AsyncEngine | Transactions
    reader: AsyncEngine | Engine
    scanner: AsyncEngine | Scans
    own_scanner: AsyncEngine | Scans
    no_answer: tuple[type[Exception], ...]

    async def dispose(self) -> None:
        """Close all connections."""
        for engine in (self.own_scanner, self.scanner, self.reader, self.writer):
            disposing = engine.dispose()
            if disposing is not None:
                await disposing


def open_engines(url: URL) -> Engines:
    """Return the ways to the database of a URL; nothing is connected yet."""
    return _sqlite(url) if url.get_backend_name() == "sqlite" else _postgresql(url)


def ran_out_of_time(error: StatementTimeoutError | DBAPIError) -> bool:
    """Tell whether a statement was ended because it took longer than `STATEMENT_SECONDS`."""
    if isinstance(error, StatementTimeoutError):
        return True
    return getattr(error.orig, "sqlstate", None) == _QUERY_CANCELED


def _sqlite(url: URL) -> Engines:
    writer, reader, scanner = sqlite_engines(url)
    users, own = (Scans(scanner, STATEMENT_SECONDS, at) for at in (CONCURRENT_SCANS, OWN_SCANS))
    return Engines(writer, reader, users, own, (DBAPIError, PoolTimeoutError, OSError))


def _postgresql(url: URL) -> Engines:
    # 10 MB that a registry on SQLite does without.
    from asyncpg import CannotConnectNowError, TooManyConnectionsError
    from sqlalchemy.ext.asyncio import create_async_engine

    arguments = {"server_settings": _POSTGRESQL_SETTINGS}
    writer = create_async_engine(url, pool_pre_ping=True, connect_args=arguments)
    reader = create_async_engine(
        url, pool_pre_ping=True, connect_args=arguments, isolation_level="AUTOCOMMIT"
    )
    users, own = (
        create_async_engine(
            url,
            pool_pre_ping=True,
            pool_size=concurrent,
            max_overflow=0,
            connect_args=arguments,
            isolation_level="AUTOCOMMIT",
        )
        for concurrent in (CONCURRENT_SCANS, OWN_SCANS)
    )
    # What the driver raises while it connects reaches us as it is: no socket, no name, no route; a
    # server that starts, stops or has all it can serve.
    connecting = (CannotConnectNowError, TooManyConnectionsError)
    no_answer = (DBAPIError, PoolTimeoutError, OSError, *connecting)
    return Engines(writer, reader, users, own, no_answer)
