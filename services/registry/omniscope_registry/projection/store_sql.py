"""The outbox rows that wait for MLflow."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, select

from omniscope.registry.v1.projection_service_pb2 import Projection
from omniscope_registry import outbox
from omniscope_registry.jobs.convert import job_to_proto
from omniscope_registry.jobs.sql.inputs import first_inputs
from omniscope_registry.jobs.values import JobRow
from omniscope_registry.listing.paging import within_answer
from omniscope_registry.tables.jobs import outbox as outbox_table
from omniscope_registry.tables.jobs import training_jobs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omniscope.common.v1.job_pb2 import Job
    from omniscope_registry.database import Database, Reader

_CHANNEL: Final = "mlflow"
# Another registry's commit, with PostgreSQL, wakes nobody here.
_POLL_SECONDS: Final = 1.0


class SqlProjectionStore:
    """Reads and removes projections."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def wait_for_pending(self, limit: int, seconds: float) -> list[Projection]:
        """Return the oldest projections as soon as there are any; none when the time is over."""
        deadline = time.monotonic() + seconds
        while True:
            commits = self._database.commits
            if found := await self._pending(limit):
                return found
            left = deadline - time.monotonic()
            if left <= 0:
                return []
            await self._database.wait_for_commit(
                after=commits, timeout_seconds=min(left, _POLL_SECONDS)
            )

    async def acknowledge(self, projection_ids: Sequence[int]) -> None:
        """Forget projections that are done; unknown ids are ignored."""
        async with self._database.write() as conn:
            await conn.execute(
                delete(outbox_table).where(
                    outbox_table.c.channel == _CHANNEL, outbox_table.c.id.in_(projection_ids)
                )
            )

    async def _pending(self, limit: int) -> list[Projection]:
        async with self._database.read() as conn:
            rows = await outbox.pending(conn, _CHANNEL, limit)
            jobs = await _jobs(conn, {row.job_id for row in rows if row.job_id})
        return list(within_answer(_projection(row, jobs[row.job_id or ""]) for row in rows))


def _projection(row: outbox.PendingRow, job: Job) -> Projection:
    projection = Projection.FromString(row.payload)
    projection.projection_id = row.id
    projection.job.CopyFrom(job)
    return projection


async def _jobs(conn: Reader, job_ids: set[str]) -> dict[str, Job]:
    rows = await conn.execute(select(training_jobs).where(training_jobs.c.id.in_(job_ids)))
    inputs = await first_inputs(conn, job_ids)
    jobs = [replace(JobRow.from_row(row), inputs=inputs[row.id]) for row in rows]
    return {job.id: job_to_proto(job, with_config=True) for job in jobs}
