"""Hints queued jobs again: this alone heals whatever the broker lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from omniscope_registry import outbox
from omniscope_registry.jobs.sql import hints
from omniscope_registry.jobs.sql.state_literals import QUEUED
from omniscope_registry.jobs.worker_values import WorkerKind
from omniscope_registry.periodic import repeat
from omniscope_registry.tables.jobs import training_jobs
from omniscope_registry.tables.metadata import UtcTimestamp

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Select

    from omniscope_registry.database import Database
    from omniscope_registry.jobs.domain import JobTimes

_JOBS = training_jobs.c
_KIND = (_JOBS.service, _JOBS.resource_class)
_OLDEST = func.min(_JOBS.run_after, type_=UtcTimestamp())


class Sweeper:
    """Hints kinds of workers whose jobs wait for long, at most once per interval.

    What was hinted is remembered in memory: several registries hint more often, which is harmless.
    One that starts hints all that is due, for the broker may have been lost with it.
    """

    def __init__(self, database: Database, times: JobTimes) -> None:
        self._database = database
        self._times = times
        self._swept: datetime | None = None
        self._hinted: dict[WorkerKind, datetime] = {}

    async def run(self) -> None:
        """Sweep until cancelled."""
        await repeat(self.sweep, self._times.sweep)

    async def sweep(self) -> int:
        """Hint what is due once more; return how many kinds of workers that were."""
        async with self._database.scan(own=True) as conn:
            now = await conn.scalar(select(self._database.now()))
            rows = await conn.execute(oldest_due(now))
            oldest = {WorkerKind(*kind): since for *kind, since in rows}
            due = self._overdue(oldest, now)
            if self._swept is not None:
                rows = await conn.execute(delayed_until(self._swept, now))
                due |= {WorkerKind(*kind) for kind in rows}
            notices = [hints.run_hint(kind) for kind in sorted(due)]
            # While the broker is away, one hint that waits for it is enough.
            missing = [each for each in notices if not await outbox.waits(conn, each.subject)]
        if missing:
            async with self._database.write() as conn:
                await outbox.add_all(conn, missing)
        self._swept = now
        hinted = self._hinted | dict.fromkeys(due, now)
        self._hinted = {kind: at for kind, at in hinted.items() if kind in oldest}
        return len(missing)

    def _overdue(self, oldest: Mapping[WorkerKind, datetime], now: datetime) -> set[WorkerKind]:
        if self._swept is None:
            return set(oldest)
        latest = now - self._times.hint
        return {
            kind
            for kind, waits_since in oldest.items()
            if max(waits_since, self._hinted.get(kind, waits_since)) <= latest
        }


def oldest_due(now: datetime) -> Select[Any]:
    """Return the query of the kinds with due jobs, and since when the first of them waits."""
    waiting = (_JOBS.status == QUEUED, _JOBS.run_after <= now)
    return select(*_KIND, _OLDEST).where(*waiting).group_by(*_KIND)


def delayed_until(after: datetime, now: datetime) -> Select[Any]:
    """Return the query of the kinds whose jobs had to wait for their next attempt, until now."""
    return (
        select(*_KIND)
        .where(
            _JOBS.status == QUEUED,
            _JOBS.run_after > after,
            _JOBS.run_after <= now,
            # All others were due, and hinted, when they were queued.
            _JOBS.run_after > _JOBS.updated_at,
        )
        .distinct()
    )
