"""Takes jobs back from workers that are gone, or that do not obey a cancel."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import or_, select

from omniscope_registry.jobs.domain import Cause, Failure
from omniscope_registry.jobs.sql.ending import end_attempt
from omniscope_registry.jobs.sql.state_literals import RUNNING
from omniscope_registry.jobs.values import JobRow
from omniscope_registry.periodic import repeat
from omniscope_registry.tables.jobs import training_jobs

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import ColumnElement

    from omniscope_registry.database import Database
    from omniscope_registry.jobs.domain import JobTimes

_BATCH = 100
_LONG_WAIT_SECONDS = 1.0
_JOBS = training_jobs.c
_log = structlog.get_logger(__name__)

_LOST = Failure(
    Cause.LOST,
    {
        "code": "UNAVAILABLE",
        "reason": "WORKER_LOST",
        "message": "The worker that ran the job stopped answering.",
        "field": "",
    },
)


class Reaper:
    """Ends attempts whose lease has run out.

    A registry that was away itself, stopped, suspended or kept from its database, has stored no
    heartbeats: it grants every lease its full time once more before it takes any job back.

    Args:
        database: Where the jobs are.
        times: How long what may last.
        clock: Monotonic seconds; only for noticing that the process was away.
    """

    def __init__(
        self, database: Database, times: JobTimes, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._times = times
        self._clock = clock
        self._last_tick = clock()
        self._grace_until = self._full_lease()

    async def run(self) -> None:
        """Reap until cancelled."""
        await repeat(self.reap, self._times.sweep)

    async def reap(self) -> int:
        """End what has run out, at most 100 attempts; return how many that were."""
        if self._clock() - self._last_tick > 2 * self._times.sweep.total_seconds():
            self._grace_until = self._full_lease()
        query = select(_JOBS.id).where(*self._overdue()).limit(_BATCH)
        async with self._database.read() as conn:
            ids = (await conn.execute(query)).scalars().all()
        self._last_tick = self._clock()
        return sum([await self._end(job_id) for job_id in ids])

    async def _end(self, job_id: str) -> bool:
        query = (
            select(training_jobs)
            .where(_JOBS.id == job_id, *self._overdue())
            .with_for_update(skip_locked=True)
        )
        asked_at = self._clock()
        async with self._database.write() as conn:
            if self._clock() - asked_at > _LONG_WAIT_SECONDS:
                # A locked file can still be read, and heartbeats had to wait, too.
                self._grace_until = self._full_lease()
                return False
            row = (await conn.execute(query)).one_or_none()
            if row is None:
                return False
            job = JobRow.from_row(row)
            ended = await end_attempt(self._database, conn, job, _LOST)
        _log.warning("attempt lost", job_id=job.id, attempt=job.attempt, status=ended.status)
        return True

    def _overdue(self) -> tuple[ColumnElement[bool], ...]:
        unconfirmed = _JOBS.cancel_requested_at < self._database.now(-self._times.cancel_grace)
        if self._clock() < self._grace_until:
            return (_JOBS.status == RUNNING, unconfirmed)
        lapsed = _JOBS.lease_until < self._database.now()
        return (_JOBS.status == RUNNING, or_(lapsed, unconfirmed))

    def _full_lease(self) -> float:
        return self._clock() + self._times.lease.total_seconds()
