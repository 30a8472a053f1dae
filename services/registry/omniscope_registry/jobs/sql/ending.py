"""Ends an attempt that made no result, and decides whether another one follows."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update

from omniscope_registry import outbox
from omniscope_registry.jobs.domain import (
    Cause,
    Failure,
    JobState,
    Verdict,
    after_failure,
    budget_of,
)
from omniscope_registry.jobs.sql import hints, projections, transition
from omniscope_registry.jobs.worker_values import WorkerKind
from omniscope_registry.tables.jobs import job_attempts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.ext.asyncio import AsyncConnection

    from omniscope_registry.database import Database
    from omniscope_registry.jobs.values import JobRow

_ATTEMPTS = job_attempts.c


async def end_attempt(
    database: Database, conn: AsyncConnection, job: JobRow, failure: Failure
) -> JobRow:
    """Record how the running attempt failed; queue the job again or end it.

    Args:
        database: For its clock.
        conn: The transaction; it has locked the job and seen it RUNNING.
        job: The job as it was seen.
        failure: Why the attempt ended.

    Returns:
        The job afterwards.
    """
    await record_outcome(
        database, conn, job, outcome=failure.cause.value, error=dict(failure.error)
    )
    failures = await _failures(conn, job, failure.cause)
    cancel_requested = job.cancel_requested_at is not None
    verdict = after_failure(failure.cause, failures, cancel_requested=cancel_requested)
    change = _change(database, job, failure, verdict)
    ended = await transition.apply(conn, database.now(), job.id, change)
    if ended is None:
        raise LookupError(f"job {job.id} changed although it was locked")
    await projections.run_ended(conn, ended, failure.cause.value)
    # A job that waits for its next attempt is hinted by the sweeper once it is due.
    if ended.status == JobState.QUEUED and ended.run_after <= ended.updated_at:
        kind = WorkerKind(ended.service, ended.resource_class)
        await outbox.add_all(conn, [hints.run_hint(kind)])
    return ended


async def record_outcome(
    database: Database,
    conn: AsyncConnection,
    job: JobRow,
    *,
    outcome: str,
    error: Mapping[str, str] | None = None,
) -> None:
    """Close the row of the job's attempt."""
    statement = (
        update(job_attempts)
        .where(_ATTEMPTS.job_id == job.id, _ATTEMPTS.attempt == job.attempt)
        .values(outcome=outcome, error=error, ended_at=database.now())
    )
    await conn.execute(statement)


async def _failures(conn: AsyncConnection, job: JobRow, cause: Cause) -> int:
    budget = budget_of(cause)
    if budget is None:
        return 0
    causes = [counted.value for counted in budget.causes]
    query = (
        select(func.count())
        .select_from(job_attempts)
        .where(_ATTEMPTS.job_id == job.id, _ATTEMPTS.outcome.in_(causes))
    )
    return int(await conn.scalar(query) or 0)


def _change(
    database: Database, job: JobRow, failure: Failure, verdict: Verdict
) -> transition.Change:
    if verdict.state is not JobState.QUEUED:
        error = _final_error(job, failure, verdict)
        return transition.Change(JobState.RUNNING, verdict.state, error["message"], error)
    delay = timedelta(seconds=random.uniform(0, verdict.longest_delay_seconds))  # noqa: S311
    columns: dict[str, Any] = {
        "run_after": database.now(delay),
        "progress": 0.0,
    }
    message = (
        f"Attempt {job.attempt} ended ({failure.cause.value.replace('_', ' ')}): "
        f"{failure.error['message']} Waiting for the next attempt."
    )
    return transition.Change(JobState.RUNNING, JobState.QUEUED, message[:1900], columns=columns)


def _final_error(job: JobRow, failure: Failure, verdict: Verdict) -> Mapping[str, str]:
    if verdict.state is JobState.CANCELLED:
        return cancelled(job.cancel_reason)
    if verdict.state is JobState.QUARANTINED:
        message = f"{failure.error['message']} It happened too often to try once more."
        return {**failure.error, "message": message}
    return failure.error


def cancelled(reason: str) -> dict[str, str]:
    """Return the error of a job that somebody cancelled; `reason` may be empty."""
    message = f"Cancelled on request: {reason}" if reason else "Cancelled on request."
    return {"code": "CANCELLED", "reason": "JOB_CANCELLED", "message": message, "field": ""}
