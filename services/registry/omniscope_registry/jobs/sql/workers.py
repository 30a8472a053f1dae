"""Remembers which workers are there and what they can run."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, insert, select, update

from omniscope_registry.jobs.worker_values import AUTO, WorkerAnnouncement, WorkerKind
from omniscope_registry.tables.jobs import workers

if TYPE_CHECKING:
    from omniscope_registry.database import Database, Reader

PRESENT: Final = timedelta(seconds=60)
"""A worker that has announced itself within this time is there: four heartbeats."""
_CPU, _GPU = "cpu", "gpu"
# Nothing asks for a worker that was silent for so long.
_REMEMBERED = timedelta(days=1)


class SqlWorkerStore:
    """Stores workers; one that was not seen for some heartbeats is gone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def announce(self, announcement: WorkerAnnouncement) -> None:
        """Note that a worker is there. Idempotent."""
        seen = {**asdict(announcement), "last_seen_at": self._database.now()}
        async with self._database.write() as conn:
            known = await conn.execute(
                update(workers).where(workers.c.id == announcement.id).values(seen)
            )
            if known.rowcount == 0:
                gone = workers.c.last_seen_at < self._database.now(-_REMEMBERED)
                await conn.execute(delete(workers).where(gone))
                first = {**seen, "first_seen_at": self._database.now()}
                await conn.execute(insert(workers).values(first))

    async def resolve_class(self, service: str, resource_class: str) -> str:
        """Return the class that a job is stored with; `auto` is a gpu when there is one."""
        if resource_class != AUTO:
            return resource_class or _CPU
        async with self._database.read() as conn:
            present = await present_kinds(conn, self._database)
        return _GPU if WorkerKind(service, _GPU) in present else _CPU


async def present_kinds(conn: Reader, database: Database) -> frozenset[WorkerKind]:
    """Return which kinds of workers there are at this moment."""
    seen = workers.c.last_seen_at > database.now(-PRESENT)
    query = select(workers.c.service, workers.c.resource_class).where(seen).distinct()
    return frozenset(WorkerKind(*row) for row in await conn.execute(query))
