"""Remembers which workers are there and what they can run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, update

from omniscope_registry.tables.jobs import workers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from omniscope_registry.database import Database

# Nothing asks for a worker that was silent for so long.
_REMEMBERED = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a worker says about itself.

    Attributes:
        id: ULID that it made at its start.
        slots: Jobs that it runs at a time.
        versions: Of the suite and its engines, by package name.
    """

    id: str
    service: str
    resource_class: str
    slots: int
    versions: Mapping[str, str]


class SqlWorkerStore:
    """Stores workers; one that was not seen for some heartbeats is gone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def announce(self, announcement: Announcement) -> None:
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
