"""The newest checkpoints of each job, from which a later attempt can resume."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, tuple_, update

from omniscope.common.v1.job_event_pb2 import Checkpoint, JobEvent
from omniscope_registry.jobs.sql import journal
from omniscope_registry.jobs.sql.leases import lock_held
from omniscope_registry.jobs.values import JobRow
from omniscope_registry.jobs.worker_values import CheckpointRow
from omniscope_registry.tables.jobs import job_checkpoints, training_jobs

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from omniscope_registry.database import Database, Reader
    from omniscope_registry.jobs.domain import Lease

KEPT = 2
"""Checkpoints of a job that are kept: the newest may turn out not to verify."""

_STORED = job_checkpoints.c


class SqlCheckpointStore:
    """Remembers checkpoints; only the attempt that holds the lease adds one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def register(self, lease: Lease, checkpoint: CheckpointRow) -> list[str]:
        """Store a checkpoint and tell the watchers. Idempotent by (job, attempt, name).

        Returns:
            The manifests' keys of those that are not kept any longer.

        Raises:
            Aborted: The lease no longer holds; reason STALE_ATTEMPT.
        """
        async with self._database.write() as conn:
            job = await lock_held(conn, lease)
            if await _known(conn, job.id, checkpoint):
                return []
            row = {
                **asdict(checkpoint), "job_id": job.id, "created_at": self._database.now()
            }  # fmt: skip
            await conn.execute(insert(job_checkpoints).values(row))
            await self._announce(conn, job, checkpoint)
            return await _forget_older(conn, job.id)

    async def _announce(
        self, conn: AsyncConnection, job: JobRow, checkpoint: CheckpointRow
    ) -> None:
        statement = (
            update(training_jobs)
            .where(training_jobs.c.id == job.id)
            .values(
                last_sequence=training_jobs.c.last_sequence + 1, updated_at=self._database.now()
            )
            .returning(*training_jobs.columns)
        )
        advanced = JobRow.from_row((await conn.execute(statement)).one())
        stored = Checkpoint(
            name=checkpoint.name, step=checkpoint.step, size_bytes=checkpoint.size_bytes
        )
        await journal.append(conn, advanced, [JobEvent(checkpoint=stored)])


async def stored_checkpoints(conn: Reader, job_id: str) -> list[CheckpointRow]:
    """Return the checkpoints of a job, newest first."""
    query = (
        select(*(_STORED[name] for name in CheckpointRow.__dataclass_fields__))
        .where(_STORED.job_id == job_id)
        .order_by(_STORED.attempt.desc(), _STORED.created_at.desc())
    )
    return [CheckpointRow(*row) for row in await conn.execute(query)]


async def _known(conn: AsyncConnection, job_id: str, checkpoint: CheckpointRow) -> bool:
    query = select(_STORED.name).where(
        _STORED.job_id == job_id,
        _STORED.attempt == checkpoint.attempt,
        _STORED.name == checkpoint.name,
    )
    return await conn.scalar(query) is not None


async def _forget_older(conn: AsyncConnection, job_id: str) -> list[str]:
    older = (await stored_checkpoints(conn, job_id))[KEPT:]
    if older:
        names = [(checkpoint.attempt, checkpoint.name) for checkpoint in older]
        await conn.execute(
            delete(job_checkpoints).where(
                _STORED.job_id == job_id, tuple_(_STORED.attempt, _STORED.name).in_(names)
            )
        )
    return [checkpoint.manifest_key for checkpoint in older]
