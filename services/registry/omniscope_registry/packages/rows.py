"""Rows that stand for packages: whose they are, and whether they were deleted.

A table of such rows has `id`, `owner`, `artifacts_path`, `manifest_digest`, `created_at`,
`updated_at`, `deleted_at` and `purged_at`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import update

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from sqlalchemy import ColumnElement, Row, Table
    from sqlalchemy.ext.asyncio import AsyncConnection

    from omniscope_registry.database import Database

_LOCATION: Final = ("artifacts_path", "manifest_digest", "created_at")


@dataclass(frozen=True, slots=True)
class StoredPackage:
    """Where a package lies, and what its manifest must hash to."""

    key: str
    manifest_digest: str
    created_at: datetime


def location_of(table: Table) -> list[ColumnElement[Any]]:
    """Return the columns that `stored_package` reads."""
    return [table.c[name] for name in _LOCATION]


def stored_package(row: Row[Any]) -> StoredPackage:
    """Return where a row's package lies."""
    return StoredPackage(row.artifacts_path, row.manifest_digest, row.created_at)


def owned(table: Table, owner: str) -> ColumnElement[bool]:
    """Return whether a row is the owner's, as SQL."""
    return table.c.owner == owner


def visible(table: Table, owner: str) -> tuple[ColumnElement[bool], ...]:
    """Return whether a row is the owner's and not deleted, as SQL."""
    return owned(table, owner), table.c.deleted_at.is_(None)


def listed(table: Table, *, show_deleted: bool) -> ColumnElement[bool]:
    """Return whether a list has a row, as SQL: with `show_deleted` also until it is purged."""
    return (table.c.purged_at if show_deleted else table.c.deleted_at).is_(None)


def restorable(
    table: Table, owner: str, database: Database, kept: timedelta
) -> tuple[ColumnElement[bool], ...]:
    """Return whether a row is the owner's, deleted, and can still be brought back, as SQL."""
    recently = table.c.deleted_at > database.now(-kept)
    return owned(table, owner), recently, table.c.purged_at.is_(None)


async def change_row(
    conn: AsyncConnection,
    table: Table,
    database: Database,
    row_id: str,
    values: Mapping[str, Any],
) -> None:
    """Change a row, and note when; `deleted_at` among the values deletes it or brings it back."""
    statement = update(table).where(table.c.id == row_id)
    await conn.execute(statement.values(**values, updated_at=database.now()))


async def note_runs(
    conn: AsyncConnection, table: Table, database: Database, run_ids: Mapping[str, str]
) -> dict[str, str]:
    """Note the MLflow runs of rows, by row id; unknown ids are ignored.

    Returns:
        The owners of the rows that changed, by row id.
    """
    owners = {}
    for row_id, run_id in run_ids.items():
        statement = (
            update(table)
            .where(table.c.id == row_id)
            .values(mlflow_run_id=run_id, updated_at=database.now())
            .returning(table.c.owner)
        )
        owner = await conn.scalar(statement)
        if owner is not None:
            owners[row_id] = owner
    return owners
