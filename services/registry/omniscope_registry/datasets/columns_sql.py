"""Profiles of columns in the registry's database: kept once for the same stored bytes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import exists, select
from sqlalchemy.dialects import postgresql, sqlite

from omniscope_registry.tables.datasets import dataset_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from omniscope.common.v1.dataset_pb2 import DatasetColumn

_COLUMNS: Final = dataset_columns.c
_AT_ONCE: Final = 1000


def columns_query(
    digest: str, *, after: int, limit: int, names: Sequence[str]
) -> Select[tuple[bytes]]:
    """Return the query for serialized `DatasetColumn`s in the table's order.

    Args:
        digest: Of the stored bytes.
        after: Position to start behind; -1 for the first page.
        limit: How many at most.
        names: Only these; empty: all.
    """
    query = (
        select(_COLUMNS.profile)
        .where(_COLUMNS.dataset_digest == digest, _COLUMNS.position > after)
        .order_by(_COLUMNS.position)
        .limit(limit)
    )
    if not names:
        return query
    # PostgreSQL fails at a text with a zero byte; no column has one.
    return query.where(_COLUMNS.name.in_([name for name in names if "\0" not in name]))


def column_rows(digest: str, columns: Sequence[DatasetColumn]) -> list[dict[str, Any]]:
    """Return the rows of columns; twenty thousand take longer than an event loop may wait."""
    return [
        {
            "dataset_digest": digest,
            "position": column.position,
            "name": column.name,
            "profile": column.SerializeToString(),
        }
        for column in columns
    ]


async def insert_columns(
    conn: AsyncConnection, digest: str, rows: Sequence[dict[str, Any]]
) -> None:
    """Store what `column_rows` returned, unless the same bytes were stored before."""
    known = select(exists().where(_COLUMNS.dataset_digest == digest))
    if (await conn.execute(known)).scalar_one():
        return
    # Two uploads of the same bytes may both get here on PostgreSQL.
    dialect = postgresql if conn.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(dataset_columns).on_conflict_do_nothing()
    for start in range(0, len(rows), _AT_ONCE):
        await conn.execute(statement, rows[start : start + _AT_ONCE])
        await asyncio.sleep(0)  # SQLite's statements run on the event loop itself.
