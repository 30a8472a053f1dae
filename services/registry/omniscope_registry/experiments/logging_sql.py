"""Adds values of metrics that callers measured themselves to their runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import insert, select

from omniscope.common.v1.job_event_pb2 import MetricPoint
from omniscope_registry.experiments.keys import LOGGED_ATTEMPT
from omniscope_registry.experiments.runs_sql import run_not_found
from omniscope_registry.jobs.sql import projections
from omniscope_registry.jobs.values import JobRow
from omniscope_registry.tables.jobs import job_metrics, training_jobs
from omniscope_service.errors import FailedPrecondition, ResourceExhausted
from omniscope_service.names import is_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from omniscope_registry.database import Database
    from omniscope_registry.experiments.convert import LoggedPoint

MAX_LOGGED: Final = 10_000
"""Values that callers may add to one run."""

_JOBS = training_jobs.c
_METRICS = job_metrics.c


class SqlMetricLog:
    """Stores values and has them projected into MLflow, within one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, owner: str, run_id: str, points: Sequence[LoggedPoint]) -> int:
        """Add the values that the run does not have yet; return how many those were.

        Raises:
            NotFound: The owner has no such run; reason RUN_NOT_FOUND.
            FailedPrecondition: No worker has taken it yet; reason RUN_NOT_STARTED.
            ResourceExhausted: It would have more than 10,000; reason METRICS_FULL.
        """
        async with self._database.write() as conn:
            job = await _lock(conn, owner, run_id)
            stored = await _stored(conn, job)
            fresh = [point for point in dict.fromkeys(points) if point not in stored]
            if len(stored) + len(fresh) > MAX_LOGGED:
                raise _full(run_id, len(stored))
            if fresh:
                await self._insert(conn, job, fresh, len(stored))
        return len(fresh)

    async def _insert(
        self, conn: AsyncConnection, job: JobRow, points: Sequence[LoggedPoint], stored: int
    ) -> None:
        now = await conn.scalar(select(self._database.now()))
        rows = [
            {
                "job_id": job.id,
                "attempt": LOGGED_ATTEMPT,
                "worker_sequence": number,
                "name": point.key,
                "split": "",
                "step": point.step,
                "epoch": 0,
                "value": point.value,
                "created_at": now,
            }
            for number, point in enumerate(points, start=stored + 1)
        ]
        await conn.execute(insert(job_metrics), rows)
        projected = [MetricPoint(name=p.key, value=p.value, step=p.step) for p in points]
        await projections.metrics(conn, job, projected, at=now)


async def _lock(conn: AsyncConnection, owner: str, run_id: str) -> JobRow:
    """Return the job, so that nobody else adds values or deletes it until the end."""
    if not is_id(run_id):
        raise run_not_found(run_id)
    query = select(training_jobs).where(
        _JOBS.owner == owner, _JOBS.id == run_id.upper(), _JOBS.deleted_at.is_(None)
    )
    row = (await conn.execute(query.with_for_update())).one_or_none()
    if row is None:
        raise run_not_found(run_id)
    job = JobRow.from_row(row)
    if not job.attempt:
        raise FailedPrecondition(
            f"The run {run_id} is {job.status} and no worker has taken it yet: log once it runs.",
            reason="RUN_NOT_STARTED",
            field="run_id",
        )
    return job


async def _stored(conn: AsyncConnection, job: JobRow) -> set[tuple[str, float, int]]:
    query = select(_METRICS.name, _METRICS.value, _METRICS.step).where(
        _METRICS.job_id == job.id, _METRICS.attempt == LOGGED_ATTEMPT
    )
    return {(row.name, row.value, row.step) for row in await conn.execute(query)}


def _full(run_id: str, stored: int) -> ResourceExhausted:
    return ResourceExhausted(
        f"The run {run_id} has {stored} logged values already, and at most {MAX_LOGGED} are kept.",
        reason="METRICS_FULL",
        field="metrics",
    )
