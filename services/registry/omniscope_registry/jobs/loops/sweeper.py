"""Hints queued jobs again: this alone heals whatever the broker lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import or_, select, update

from omniscope_registry import outbox
from omniscope_registry.jobs.sql import hints
from omniscope_registry.jobs.sql.state_literals import QUEUED
from omniscope_registry.jobs.values import JobRow
from omniscope_registry.periodic import repeat
from omniscope_registry.tables.jobs import training_jobs

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from omniscope_registry.database import Database
    from omniscope_registry.jobs.domain import JobTimes

_BATCH = 100
_JOBS = training_jobs.c


class Sweeper:
    """Looks after queued jobs whose last hint is old or was never sent."""

    def __init__(self, database: Database, times: JobTimes) -> None:
        self._database = database
        self._times = times

    async def run(self) -> None:
        """Sweep until cancelled."""
        await repeat(self.sweep, self._times.sweep)

    async def sweep(self) -> int:
        """Hint what is due once more; return how many jobs that were, at most 100."""
        async with self._database.read() as conn:
            if await conn.scalar(select(_JOBS.id).where(*self._due()).limit(1)) is None:
                return 0
        async with self._database.write() as conn:
            # Jobs that another registry hints at this moment are left to it.
            due = (
                select(_JOBS.id)
                .where(*self._due())
                .order_by(_JOBS.id)
                .limit(_BATCH)
                .with_for_update(skip_locked=True)
            )
            ids = (await conn.execute(due)).scalars().all()
            hinted = (
                update(training_jobs)
                .where(_JOBS.id.in_(ids))
                .values(hinted_at=self._database.now(), nudge=_JOBS.nudge + 1)
                .returning(*training_jobs.columns)
            )
            jobs = [JobRow.from_row(row) for row in await conn.execute(hinted)]
            if jobs:
                oldest_first = sorted(jobs, key=lambda job: job.id)
                await outbox.add_all(conn, [hints.run_hint(job) for job in oldest_first])
        return len(jobs)

    def _due(self) -> tuple[ColumnElement[bool], ...]:
        return (
            _JOBS.status == QUEUED,
            _JOBS.run_after <= self._database.now(),
            or_(
                _JOBS.hinted_at.is_(None),
                _JOBS.hinted_at < self._database.now(-self._times.hint),
            ),
            # While the broker is away, one hint that waits for it is enough.
            ~outbox.undelivered_hint(_JOBS.id),
        )
