"""Removes deleted packages for good once they can no longer be brought back."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import structlog
from sqlalchemy import select, update

from omniscope_registry.periodic import repeat
from omniscope_service.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from sqlalchemy import Row, Table
    from sqlalchemy.ext.asyncio import AsyncConnection

    from omniscope_registry.database import Database
    from omniscope_service.artifacts import ArtifactStore

_PAUSE: Final = timedelta(minutes=5)
# Longer than any transaction: one that brings a row back at the last moment has ended by then.
_MARGIN: Final = timedelta(minutes=1)
_BATCH: Final = 100
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Purgeable:
    """Rows whose packages are removed.

    Attributes:
        table: As `rows` describes it.
        project: Has MLflow learn of it, within the transaction.
        cleared: What the bare row still says.
    """

    table: Table
    project: Callable[[AsyncConnection, str], Awaitable[None]]
    cleared: Mapping[str, Any] = field(default_factory=dict)


class PackagePurger:
    """Removes packages, and what rows told of them; the bare row stays.

    Every step may be repeated, and done by several registries at the same time.

    Args:
        database: Where the rows are.
        artifacts: Where their packages are.
        kept: How long what is deleted can be brought back.
        purgeable: Whose packages.
    """

    def __init__(
        self,
        database: Database,
        artifacts: ArtifactStore,
        kept: timedelta,
        purgeable: Purgeable,
    ) -> None:
        self._database = database
        self._artifacts = artifacts
        self._kept = kept
        self._purgeable = purgeable

    async def run(self) -> None:
        """Purge until cancelled."""
        await repeat(self.purge, _PAUSE)

    async def purge(self) -> int:
        """Purge what is due; return how many packages that were, at most 100.

        What the artifact store does not delete comes again, and keeps nothing else waiting.
        """
        purged, table = 0, self._purgeable.table.name
        for row in await self._due():
            try:
                await self._artifacts.delete_prefix(row.artifacts_path)
            except ServiceError as error:
                _log.warning("package not purged", name=table, reason=error.reason)
                continue
            await self._clear(row.id)
            purged += 1
        if purged:
            _log.info("packages purged", count=purged, name=table)
        return purged

    async def _due(self) -> Sequence[Row[Any]]:
        columns = self._purgeable.table.c
        query = (
            select(columns.id, columns.artifacts_path)
            .where(
                columns.deleted_at.is_not(None),
                columns.purged_at.is_(None),
                columns.deleted_at < self._database.now(-self._kept - _MARGIN),
            )
            .order_by(columns.deleted_at)
            .limit(_BATCH)
        )
        async with self._database.read() as conn:
            return (await conn.execute(query)).all()

    async def _clear(self, row_id: str) -> None:
        columns = self._purgeable.table.c
        statement = update(self._purgeable.table).where(
            columns.id == row_id, columns.deleted_at.is_not(None), columns.purged_at.is_(None)
        )
        values = {**self._purgeable.cleared, "purged_at": self._database.now()}
        async with self._database.write() as conn:
            if (await conn.execute(statement.values(values))).rowcount:
                await self._purgeable.project(conn, row_id)
