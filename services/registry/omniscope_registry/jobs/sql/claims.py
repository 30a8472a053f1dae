"""Gives queued jobs to workers."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, or_, select

from omniscope_registry.jobs.domain import JobState, JobTimes, artifacts_prefix
from omniscope_registry.jobs.sql import projections, transition
from omniscope_registry.jobs.sql.checkpoints import stored_checkpoints
from omniscope_registry.jobs.sql.inputs import with_inputs
from omniscope_registry.jobs.sql.leases import digest
from omniscope_registry.jobs.values import JobRow
from omniscope_registry.jobs.worker_values import Claim, Grant
from omniscope_registry.tables.jobs import job_attempts, training_jobs
from omniscope_service import failpoints
from omniscope_service.errors import FailedPrecondition

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncConnection

    from omniscope_registry.database import Database
    from omniscope_registry.jobs.worker_values import CheckpointRow

_JOBS = training_jobs.c
_ATTEMPTS = job_attempts.c


class SqlClaims:
    """Grants leases: at most one per job at any time."""

    def __init__(self, database: Database, times: JobTimes) -> None:
        self._database = database
        self._times = times

    async def claim(self, claim: Claim) -> Grant:
        """Take a queued job. Idempotent by `claim_id` while the attempt runs.

        Raises:
            FailedPrecondition: Reason JOB_NOT_CLAIMABLE.
        """
        async with self._database.write() as conn:
            grant = await self._granted(conn, claim)
            # Looked up after the attempt to claim, which waits for a claim that is under way.
            grant = grant or await self._repeated(conn, claim.job_id, claim.claim_id)
            if grant is None:
                raise FailedPrecondition(
                    f"job {claim.job_id[:64]!r} cannot be claimed by a {claim.resource_class} "
                    f"worker of {claim.service}: it is taken, ended, not due, gone, or another's",
                    reason="JOB_NOT_CLAIMABLE",
                    field="job_id",
                )
        await failpoints.reach("claim.after_commit")
        return grant

    async def _repeated(self, conn: AsyncConnection, job_id: str, claim_id: str) -> Grant | None:
        query = (
            select(training_jobs, _ATTEMPTS.nonce)
            .join(job_attempts, _ATTEMPTS.job_id == _JOBS.id)
            .where(
                _JOBS.id == job_id,
                _JOBS.status == JobState.RUNNING.value,
                _ATTEMPTS.attempt == _JOBS.attempt,
                _ATTEMPTS.claim_hash == digest(claim_id),
            )
        )
        row = (await conn.execute(query)).one_or_none()
        if row is None:
            return None
        job = await with_inputs(conn, JobRow.from_row(row))
        return _grant(job, row.nonce, claim_id, await stored_checkpoints(conn, job_id))

    async def _granted(self, conn: AsyncConnection, claim: Claim) -> Grant | None:
        nonce = secrets.token_hex(8)
        token = _token(nonce, claim.claim_id)
        now = self._database.now()
        columns: dict[str, Any] = {
            "attempt": _JOBS.attempt + 1,
            "lease_token_hash": digest(token),
            "lease_until": self._database.now(self._times.lease),
            "worker_id": claim.worker_id,
            "started_at": func.coalesce(_JOBS.started_at, now),
            "progress": 0.0,
        }
        change = transition.Change(
            JobState.QUEUED, JobState.RUNNING, "A worker has started.", columns=columns
        )
        job = await transition.apply(conn, now, claim.job_id, change, *_claimable(now, claim))
        if job is None:
            return None
        row = _attempt_row(job, nonce, token, claim.claim_id)
        await conn.execute(insert(job_attempts).values(row))
        stored = await stored_checkpoints(conn, job.id)
        await projections.run_started(conn, job, stored[0] if stored else None)
        return _grant(await with_inputs(conn, job), nonce, claim.claim_id, stored)


def _claimable(now: ColumnElement[datetime], claim: Claim) -> tuple[ColumnElement[bool], ...]:
    return (
        _JOBS.run_after <= now,
        or_(_JOBS.deadline_at.is_(None), _JOBS.deadline_at > now),
        _JOBS.deleted_at.is_(None),
        _JOBS.service == claim.service,
        _JOBS.resource_class == claim.resource_class,
    )


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
