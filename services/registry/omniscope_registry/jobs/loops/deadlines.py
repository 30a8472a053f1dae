"""Ends jobs whose deadline has passed: queued ones at once, running ones that did not obey."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from sqlalchemy import select

from omniscope_registry.jobs.domain import Cause, Failure, JobState
from omniscope_registry.jobs.sql import transition
from omniscope_registry.jobs.sql.ending import end_attempt
from omniscope_registry.jobs.sql.state_literals import QUEUED, RUNNING
from omniscope_registry.jobs.values import JobRow
from omniscope_registry.periodic import repeat
from omniscope_registry.tables.jobs import training_jobs

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncConnection

    from omniscope_registry.database import Database
    from omniscope_registry.jobs.domain import JobTimes

_BATCH = 100
_JOBS = training_jobs.c
_ERROR = {
    "code": "DEADLINE_EXCEEDED",
    "reason": "JOB_DEADLINE_EXCEEDED",
    "message": "The job's deadline has passed.",
    "field": "deadline_seconds",
}
_log = structlog.get_logger(__name__)


class DeadlineEnforcer:
    """Makes jobs TIMED_OUT.

    A worker stops a running job at its deadline by itself, and may yet deliver what is usable;
    only when it has not by the end of the grace is it ended here.
    """

    def __init__(self, database: Database, times: JobTimes) -> None:
        self._database = database
        self._times = times

    async def run(self) -> None:
        """Enforce deadlines until cancelled."""
        await repeat(self.enforce, self._times.sweep)

    async def enforce(self) -> int:
        """End what is overdue; return how many jobs that were, at most 100 of each kind."""
        ended = 0
        for overdue in (self._overdue_queued(), self._overdue_running()):
            query = select(_JOBS.id).where(*overdue).limit(_BATCH)
            async with self._database.read() as conn:
                ids = (await conn.execute(query)).scalars().all()
            ended += sum([await self._end(job_id, overdue) for job_id in ids])
        return ended

    async def _end(self, job_id: str, overdue: tuple[ColumnElement[bool], ...]) -> bool:
        query = (
            select(training_jobs)
            .where(_JOBS.id == job_id, *overdue)
            .with_for_update(skip_locked=True)
        )
        async with self._database.write() as conn:
            row = (await conn.execute(query)).one_or_none()
            if row is None:
                return False
            job = JobRow.from_row(row)
            if job.status == JobState.RUNNING:
                await end_attempt(self._database, conn, job, Failure(Cause.DEADLINE, _ERROR))
            else:
                await self._time_out(conn, job)
        _log.warning("deadline passed", job_id=job.id, attempt=job.attempt, status=job.status)
        return True

    async def _time_out(self, conn: AsyncConnection, job: JobRow) -> None:
        change = transition.Change(JobState.QUEUED, JobState.TIMED_OUT, _ERROR["message"], _ERROR)
        await transition.apply(conn, self._database.now(), job.id, change)

    def _overdue_queued(self) -> tuple[ColumnElement[bool], ...]:
        return (_JOBS.status == QUEUED, _JOBS.deadline_at <= self._database.now())

    def _overdue_running(self) -> tuple[ColumnElement[bool], ...]:
        grace_over = self._database.now(-self._times.cancel_grace)
        return (_JOBS.status == RUNNING, _JOBS.deadline_at <= grace_over)
