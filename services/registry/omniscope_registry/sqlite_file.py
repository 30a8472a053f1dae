"""SQLite's file: one process has it open, one connection writes, any number of them read."""

from __future__ import annotations

import fcntl
from typing import IO, TYPE_CHECKING, Any

from sqlalchemy import create_engine, event

from omniscope_registry.migrations.upgrade import upgrade
from omniscope_registry.sqlite_on_loop import Transactions
from omniscope_registry.sqlite_scans import CONCURRENT_SCANS, OWN_SCANS
from omniscope_service.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import URL, Engine


def lock_file(database: Path) -> IO[bytes]:
    """Keep other processes out until the lock is closed: SQLite's own would let a second one in.

    Raises:
        ConfigurationError: Another process has the lock.
    """
    database.parent.mkdir(parents=True, exist_ok=True)
    lock = database.with_suffix(".lock").open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise ConfigurationError(
            f"another registry has {database} open: stop it, or set OMNISCOPE_DATABASE_URL"
        ) from error
    return lock


def sqlite_engines(url: URL) -> tuple[Transactions, Engine, Engine]:
    """Return what writes, one transaction after the other, what reads beside it, what scans."""
    url = url.set(drivername="sqlite+pysqlite")
    writer = create_engine(url, pool_size=1, connect_args={"check_same_thread": False})
    # Unlimited: nobody can give a connection back while the loop waits for one.
    reader = create_engine(
        url, max_overflow=-1, isolation_level="AUTOCOMMIT", pool_reset_on_return=None
    )
    scanner = create_engine(
        url,
        pool_size=CONCURRENT_SCANS + OWN_SCANS,
        max_overflow=0,
        isolation_level="AUTOCOMMIT",
        pool_reset_on_return=None,
        connect_args={"check_same_thread": False},
    )
    for engine in (writer, reader, scanner):
        event.listen(engine, "connect", _configure)
    event.listen(writer, "connect", _refuse_to_wait)
    event.listen(writer, "begin", _begin_immediate)
    for engine in (reader, scanner):
        event.listen(engine, "connect", _forbid_writing)
    return Transactions(writer), reader, scanner


def upgrade_file(url: URL) -> None:
    """Bring the tables up to date in one transaction.

    References between tables are checked at its end only: a table that is made anew, which is how
    SQLite changes a constraint, is gone for a moment.
    """
    engine = create_engine(url.set(drivername="sqlite+pysqlite"))
    event.listen(engine, "connect", _configure)
    event.listen(engine, "connect", _leave_references_unchecked)
    event.listen(engine, "begin", _begin_immediate)
    try:
        with engine.begin() as connection:
            upgrade(connection)
    finally:
        engine.dispose()


def _configure(connection: Any, _record: object) -> None:
    # The driver must not open transactions by itself: it would do so without IMMEDIATE.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "busy_timeout = 5000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _forbid_writing(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA query_only = ON").close()


def _leave_references_unchecked(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA foreign_keys = OFF").close()


def _refuse_to_wait(connection: Any, _record: object) -> None:
    # `Transactions` waits, and lets the loop go on meanwhile.
    connection.execute("PRAGMA busy_timeout = 0").close()


def _begin_immediate(connection: Any) -> None:
    # A transaction that starts as a reader may fail to become a writer, whatever the timeout is.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
