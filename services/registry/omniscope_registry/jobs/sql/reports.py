"""Stores what an attempt reports: events into the journal, metric points in full."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from omniscope_registry.jobs.sql import journal, projections
from omniscope_registry.jobs.sql.leases import lock_held
from omniscope_registry.jobs.values import JobRow
from omniscope_registry.tables.jobs import job_attempts, job_metrics, training_jobs
from omniscope_service.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from omniscope_registry.database import Database
    from omniscope_registry.jobs.domain import Lease
    from omniscope_registry.jobs.worker_values import Reported

_JOBS = training_jobs.c
_ATTEMPTS = job_attempts.c


class SqlReportStore:
    """Appends events, idempotent by (job, attempt, worker sequence)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def report(self, lease: Lease, reports: Sequence[Reported]) -> int:
        """Store the events that are not stored yet, all of them or none.

        Args:
            lease: The attempt.
            reports: With consecutive numbers.

        Returns:
            The greatest number that is stored now.

        Raises:
            Aborted: The lease no longer holds; reason STALE_ATTEMPT.
            InvalidArgument: Events between those stored and these are missing; reason
                EVENT_SEQUENCE_GAP.
        """
        async with self._database.write() as conn:
            job = await lock_held(conn, lease)
            stored = await _stored_sequence(conn, job)
            fresh = [report for report in reports if report.worker_sequence > stored]
            if not fresh:
                return stored
            _require_next(fresh[0], stored)
            await self._store(conn, job, fresh)
        return fresh[-1].worker_sequence

    async def _store(
        self, conn: AsyncConnection, job: JobRow, reports: Sequence[Reported]
    ) -> None:
        job = await self._advance(conn, job, reports)
        await conn.execute(
            update(job_attempts)
            .where(_ATTEMPTS.job_id == job.id, _ATTEMPTS.attempt == job.attempt)
            .values(last_worker_sequence=reports[-1].worker_sequence)
        )
        await journal.append(conn, job, [report.event for report in reports])
        await journal.prune(conn, job, len(reports))
        measured = [report for report in reports if report.event.HasField("metric")]
        if measured:
            rows = [_metric_row(job, report) for report in measured]
            await conn.execute(insert(job_metrics), rows)
            await projections.metrics(conn, job, [report.event.metric for report in measured])

    async def _advance(
        self, conn: AsyncConnection, job: JobRow, reports: Sequence[Reported]
    ) -> JobRow:
        """Make room in the journal; take over how far the work is."""
        progress, message = job.progress, job.message
        for report in reports:
            if report.event.HasField("progress"):
                # A percentage that falls would only confuse whoever looks at it.
                progress = max(progress, report.event.progress.percent)
                report.event.progress.percent = progress
                message = report.event.progress.phase or message
        statement = (
            update(training_jobs)
            .where(_JOBS.id == job.id)
            .values(
                last_sequence=_JOBS.last_sequence + len(reports),
                progress=progress,
                message=message,
                updated_at=self._database.now(),
            )
            .returning(*training_jobs.columns)
        )
        return JobRow.from_row((await conn.execute(statement)).one())


async def _stored_sequence(conn: AsyncConnection, job: JobRow) -> int:
    query = select(_ATTEMPTS.last_worker_sequence).where(
        _ATTEMPTS.job_id == job.id, _ATTEMPTS.attempt == job.attempt
    )
    return int(await conn.scalar(query) or 0)


def _require_next(first: Reported, stored: int) -> None:
    if first.worker_sequence != stored + 1:
        raise InvalidArgument(
            f"events[0].worker_sequence is {first.worker_sequence}, but the last one stored is "
            f"{stored}: report what is between first",
            reason="EVENT_SEQUENCE_GAP",
            field="events",
        )


def _metric_row(job: JobRow, report: Reported) -> dict[str, Any]:
    metric = report.event.metric
    return {
        "job_id": job.id,
        "attempt": job.attempt,
        "worker_sequence": report.worker_sequence,
        "name": metric.name,
        "split": metric.split,
        "step": metric.step,
        "epoch": metric.epoch,
        "value": metric.value,
        "created_at": job.updated_at,
    }
