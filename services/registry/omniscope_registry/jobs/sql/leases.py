"""Tells whether a lease holds: whoever writes for an attempt proves its right first."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from sqlalchemy import select

from omniscope_registry.jobs.domain import JobState
from omniscope_registry.jobs.errors import stale_attempt
from omniscope_registry.jobs.values import JobRow
from omniscope_registry.tables.jobs import job_attempts, training_jobs

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncConnection

    from omniscope_registry.jobs.domain import Lease

_JOBS = training_jobs.c
_ATTEMPTS = job_attempts.c


async def lock_held(conn: AsyncConnection, lease: Lease) -> JobRow:
    """Lock the running job of a lease for the rest of the transaction.

    Raises:
        Aborted: The lease no longer holds; reason STALE_ATTEMPT.
    """
    job = await find_held(conn, lease)
    if job is None:
        raise stale_attempt(lease)
    return job


async def find_held(conn: AsyncConnection, lease: Lease) -> JobRow | None:
    """Lock the running job of a lease like `lock_held`; None when the lease no longer holds."""
    query = select(training_jobs).where(*held(lease)).with_for_update()
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else JobRow.from_row(row)


def held(lease: Lease) -> tuple[ColumnElement[bool], ...]:
    """Return what is true of the job while the lease holds."""
    return (
        _JOBS.id == lease.job_id,
        _JOBS.status == JobState.RUNNING.value,
        _JOBS.attempt == lease.attempt,
        _JOBS.lease_token_hash == digest(lease.token),
    )


def owned(lease: Lease) -> tuple[ColumnElement[bool], ...]:
    """Return what holds for the attempt that the lease was granted to, also after its end."""
    return (
        _ATTEMPTS.job_id == lease.job_id,
        _ATTEMPTS.attempt == lease.attempt,
        _ATTEMPTS.lease_token_hash == digest(lease.token),
    )


def digest(text: str) -> str:
    """Return the hash under which a secret is stored."""
    return hashlib.sha256(text.encode()).hexdigest()
