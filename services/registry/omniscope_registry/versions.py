"""Numbers the versions under a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

if TYPE_CHECKING:
    from sqlalchemy import Table
    from sqlalchemy.ext.asyncio import AsyncConnection


async def next_version(conn: AsyncConnection, table: Table, owner: str, name: str) -> int:
    """Return the number of the version that is about to be inserted, from 1.

    Deleted versions count: a number never means two things. The name stays locked until the
    transaction of `conn` ends, so that two uploads of one name wait for each other instead of
    failing; on SQLite every writing transaction is alone anyway.

    Args:
        conn: The writing transaction that inserts the row.
        table: `datasets` or `ml_models`; has the columns owner, name and version.
        owner: Owner of the name.
        name: The name.
    """
    await lock_name(conn, table, owner, name)
    newest = select(func.coalesce(func.max(table.c.version), 0)).where(
        table.c.owner == owner, table.c.name == name
    )
    return int((await conn.execute(newest)).scalar_one()) + 1


async def lock_name(conn: AsyncConnection, table: Table, owner: str, name: str) -> None:
    """Let nobody else change a table's rows of a name until the transaction of `conn` ends."""
    if conn.dialect.name == "postgresql":
        lock = func.hashtextextended(f"{table.name}/{owner}/{name}", 0)
        await conn.execute(select(func.pg_advisory_xact_lock(lock)))
