"""Gives queued jobs to workers."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, or_, select
from sqlalchemy.exc import IntegrityError

from omniscope_registry.jobs.domain import JobState, JobTimes, artifacts_prefix
from omniscope_registry.jobs.sql import projections, transition
from omniscope_registry.jobs.sql.checkpoints import stored_checkpoints
from omniscope_registry.jobs.sql.inputs import with_inputs
from omniscope_registry.jobs.sql.leases import digest
from omniscope_registry.jobs.sql.state_literals import QUEUED
from omniscope_registry.jobs.values import JobRow
from omniscope_registry.jobs.worker_values import Claim, Grant
from omniscope_registry.tables.jobs import job_attempts, training_jobs
from omniscope_service import failpoints

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from omniscope_registry.database import Database, Reader
    from omniscope_registry.jobs.worker_values import CheckpointRow

_JOBS = training_jobs.c
_ATTEMPTS = job_attempts.c


class SqlClaims:
    """Grants leases: at most one per job at any time."""

    def __init__(self, database: Database, times: JobTimes) -> None:
        self._database = database
        self._times = times

    async def claim(self, claim: Claim) -> Grant | None:
        """Take the oldest job that is due; None when none is.

        Idempotent by `claim_id`: repeated, it gives the same grant while the attempt runs, and
        nothing after that.
        """
        async with self._database.read() as conn:
            if await _is_known(conn, claim.claim_id):
                return await _repeated(conn, claim.claim_id)
            # Most claims of idle workers find nothing; they cost no transaction.
            if await conn.scalar(self.next_job(claim)) is None:
                return None
        try:
            async with self._database.write() as conn:
                grant = await self._granted(conn, claim)
        except IntegrityError:
            # The same claim, sent twice at the same time.
            async with self._database.read() as conn:
                return await _repeated(conn, claim.claim_id)
        await failpoints.reach("claim.after_commit")
        return grant

    def next_job(self, claim: Claim) -> Select[str]:
        """Return the query of the oldest job that is due."""
        now = self._database.now()
        return (
            select(_JOBS.id)
            .where(
                _JOBS.status == QUEUED,
                _JOBS.service == claim.service,
                _JOBS.resource_class == claim.resource_class,
                _JOBS.run_after <= now,
                or_(_JOBS.deadline_at.is_(None), _JOBS.deadline_at > now),
            )
            .order_by(_JOBS.id)
            .limit(1)
        )

    async def _granted(self, conn: AsyncConnection, claim: Claim) -> Grant | None:
        # What somebody else claims, cancels or ends at this moment is not waited for.
        job_id = await conn.scalar(self.next_job(claim).with_for_update(skip_locked=True))
        if job_id is None:
            return None
        nonce = secrets.token_hex(8)
        token = _token(nonce, claim.claim_id)
        job = await self._start(conn, job_id, claim.worker_id, token)
        row = _attempt_row(job, nonce, token, claim.claim_id)
        await conn.execute(insert(job_attempts).values(row))
        stored = await stored_checkpoints(conn, job.id)
        await projections.run_started(conn, job, stored[0] if stored else None)
        return _grant(await with_inputs(conn, job), nonce, claim.claim_id, stored)

    async def _start(
        self, conn: AsyncConnection, job_id: str, worker_id: str, token: str
    ) -> JobRow:
        now = self._database.now()
        columns: dict[str, Any] = {
            "attempt": _JOBS.attempt + 1,
            "lease_token_hash": digest(token),
            "lease_until": self._database.now(self._times.lease),
            "worker_id": worker_id,
            "started_at": func.coalesce(_JOBS.started_at, now),
            "progress": 0.0,
        }
        change = transition.Change(
            JobState.QUEUED, JobState.RUNNING, "A worker has started.", columns=columns
        )
        job = await transition.apply(conn, now, job_id, change)
        if job is None:
            raise LookupError(f"job {job_id} changed although it was locked")
        return job


async def _is_known(conn: Reader, claim_id: str) -> bool:
    """Tell whether a claim has started an attempt already."""
    known = select(_ATTEMPTS.attempt).where(_ATTEMPTS.claim_hash == digest(claim_id))
    return await conn.scalar(known) is not None


async def _repeated(conn: Reader, claim_id: str) -> Grant | None:
    """Return what a claim was granted; None when that attempt has ended."""
    query = (
        select(training_jobs, _ATTEMPTS.nonce)
        .join(job_attempts, _ATTEMPTS.job_id == _JOBS.id)
        .where(
            _JOBS.status == JobState.RUNNING.value,
            _ATTEMPTS.attempt == _JOBS.attempt,
            _ATTEMPTS.claim_hash == digest(claim_id),
        )
    )
    row = (await conn.execute(query)).one_or_none()
    if row is None:
        return None
    job = await with_inputs(conn, JobRow.from_row(row))
    return _grant(job, row.nonce, claim_id, await stored_checkpoints(conn, job.id))


def _attempt_row(job: JobRow, nonce: str, token: str, claim_id: str) -> dict[str, Any]:
    return {
        "job_id": job.id,
        "attempt": job.attempt,
        "worker_id": job.worker_id,
        "claim_hash": digest(claim_id),
        "nonce": nonce,
        "lease_token_hash": digest(token),
        "last_worker_sequence": 0,
        "started_at": job.updated_at,
    }


def _grant(job: JobRow, nonce: str, claim_id: str, stored: Sequence[CheckpointRow]) -> Grant:
    prefix = artifacts_prefix(job.id, job.attempt, nonce)
    return Grant(job, _token(nonce, claim_id), prefix, stored)


def _token(nonce: str, claim_id: str) -> str:
    """Make the lease's token from what only the claiming worker and the attempt's row know.

    A claim that is repeated gets the same token, and yet the database holds no secret: of the
    claim's id it keeps the hash.
    """
    return digest(f"{nonce}:{claim_id}")[:32]
