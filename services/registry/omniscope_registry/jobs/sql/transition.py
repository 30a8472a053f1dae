"""The one statement by which a job changes its state."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import update

from omniscope.common.v1.job_event_pb2 import JobEvent, StateChanged
from omniscope_registry.jobs.convert import error_to_proto, state_to_proto
from omniscope_registry.jobs.domain import TERMINAL, TRANSITIONS, JobState
from omniscope_registry.jobs.sql import journal
from omniscope_registry.jobs.values import JobRow
from omniscope_registry.tables.jobs import training_jobs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True)
class Change:
    """A transition of one job.

    Attributes:
        message: One sentence for a person.
        error: Why it ended, a `JobError` by its field names; None unless it ended badly.
        columns: What else changes in the row.
    """

    from_state: JobState
    to_state: JobState
    message: str
    error: Mapping[str, str] | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)


async def apply(
    conn: AsyncConnection,
    now: ColumnElement[datetime],
    job_id: str,
    change: Change,
    *conditions: ColumnElement[bool],
) -> JobRow | None:
    """Compare and set: change the state, or do nothing because the job is not as expected.

    The event and its announcement are part of the transaction.

    Args:
        conn: The transaction.
        now: The database's clock.
        job_id: The job.
        change: What to change.
        *conditions: What must hold besides `change.from_state`.

    Returns:
        The row as it is now; None when nothing was changed.
    """
    if change.to_state not in TRANSITIONS[change.from_state]:
        raise ValueError(f"no transition from {change.from_state} to {change.to_state}")
    row = (await conn.execute(_update(now, job_id, change, conditions))).one_or_none()
    if row is None:
        return None
    job = JobRow.from_row(row)
    await journal.append(conn, job, [_event(job, change)])
    return job


def _update(
    now: ColumnElement[datetime],
    job_id: str,
    change: Change,
    conditions: tuple[ColumnElement[bool], ...],
) -> Any:
    jobs = training_jobs.c
    values: dict[str, Any] = {
        "status": change.to_state.value,
        "message": change.message,
        "error": change.error,
        "version": jobs.version + 1,
        "last_sequence": jobs.last_sequence + 1,
        "updated_at": now,
        **change.columns,
    }
    if change.to_state in TERMINAL:
        values["completed_at"] = now
    if change.from_state is JobState.RUNNING:
        values |= {"lease_token_hash": None, "lease_until": None, "worker_id": None}
    return (
        update(training_jobs)
        .where(jobs.id == job_id, jobs.status == change.from_state.value, *conditions)
        .values(values)
        .returning(*training_jobs.columns)
    )


def _event(job: JobRow, change: Change) -> JobEvent:
    return JobEvent(
        state_changed=StateChanged(
            from_state=state_to_proto(change.from_state),
            to_state=state_to_proto(change.to_state),
            message=change.message,
            error=error_to_proto(change.error),
            model_id=job.model_id or "",
            stopped_early=job.stopped_early,
            artifact_id=job.artifact_id or "",
        )
    )
