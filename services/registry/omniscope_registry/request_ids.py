"""Frees request ids after a day: until then a repeated request is answered like the first."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import select, update

from omniscope_registry.periodic import repeat
from omniscope_registry.tables.datasets import datasets
from omniscope_registry.tables.jobs import training_jobs

if TYPE_CHECKING:
    from sqlalchemy import Table

    from omniscope_registry.database import Database

LIFETIME: Final = timedelta(hours=24)
"""A request id finds what it made for at least this long."""
_PAUSE = timedelta(minutes=5)
_BATCH = 500


class RequestIdExpiry:
    """Makes old request ids usable again; what they made stays as it is.

    Args:
        database: Where jobs and datasets are.
        lifetime: How long an id is kept.
    """

    def __init__(self, database: Database, lifetime: timedelta = LIFETIME) -> None:
        self._database = database
        self._lifetime = lifetime

    async def run(self) -> None:
        """Free ids until cancelled."""
        await repeat(self.free, _PAUSE)

    async def free(self) -> int:
        """Free every id that has expired; return how many those were."""
        freed = 0
        for table in (training_jobs, datasets):
            while batch := await self._free_some(table):
                freed += batch
        return freed

    async def _free_some(self, table: Table) -> int:
        """Free some ids in a transaction of their own, so that no writer waits for all of them."""
        expired = (
            select(table.c.id)
            .where(
                table.c.request_id.is_not(None),
                table.c.created_at < self._database.now(-self._lifetime),
            )
            .limit(_BATCH)
        )
        async with self._database.read() as conn:
            if await conn.scalar(expired.limit(1)) is None:
                return 0
        async with self._database.write() as conn:
            # Rows that another registry frees at this moment are left to it.
            ids = (await conn.execute(expired.with_for_update(skip_locked=True))).scalars().all()
            free = update(table).where(table.c.id.in_(ids))
            await conn.execute(free.values(request_id=None, request_hash=None))
        return len(ids)
