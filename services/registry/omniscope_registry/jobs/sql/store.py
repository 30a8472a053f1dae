"""The store by which owners submit, cancel and delete their jobs."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from ulid import ULID

from omniscope.common.v1.job_event_pb2 import JobEvent, StateChanged
from omniscope_registry import outbox
from omniscope_registry.jobs.convert import state_to_proto
from omniscope_registry.jobs.domain import TERMINAL, JobState
from omniscope_registry.jobs.errors import job_not_found, require_job_id
from omniscope_registry.jobs.sql import hints, journal, quotas, transition
from omniscope_registry.jobs.sql.ending import cancelled
from omniscope_registry.jobs.sql.inputs import insert_inputs, with_inputs
from omniscope_registry.jobs.values import UNLIMITED, JobRow, NewJob, Quota
from omniscope_registry.jobs.worker_values import WorkerKind
from omniscope_registry.tables.jobs import job_events, job_metrics, training_jobs
from omniscope_service import failpoints
from omniscope_service.errors import AlreadyExists, FailedPrecondition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from omniscope_registry.database import Database
    from omniscope_registry.jobs.sql.inputs import JobInputs
    from omniscope_registry.jobs.values import JobInput

_JOBS = training_jobs.c


class SqlJobStore:
    """Stores jobs. Every method is one transaction; somebody else's job does not exist.

    Args:
        database: Where they are.
        inputs: What they read.
        quota: What an owner may ask for.
    """

    def __init__(self, database: Database, inputs: JobInputs, quota: Quota = UNLIMITED) -> None:
        self._database = database
        self._inputs = inputs
        self._quota = quota

    async def submit(self, new: NewJob) -> JobRow:
        """Store a job and have it hinted to the workers. Idempotent by (owner, request id).

        Raises:
            AlreadyExists: The request id came with another payload; reason REQUEST_ID_REUSED.
            NotFound: An input was deleted meanwhile; reason DATASET_NOT_FOUND or MODEL_NOT_FOUND.
            ResourceExhausted: The owner has too many jobs; reason QUOTA_EXCEEDED.
        """
        try:
            async with self._database.write() as conn:
                await quotas.require_room(conn, self._database, new.owner, self._quota)
                inputs = await self._inputs.find(conn, new.owner, new.inputs, hold=True)
                job = await insert_inputs(conn, await self._insert(conn, new), inputs)
                await failpoints.reach("submit.before_commit")
        except IntegrityError:
            # The same request, sent twice at the same time.
            earlier = await self.submitted(new.owner, new.request_id, new.request_hash)
            if earlier is None:
                raise
            return earlier
        await failpoints.reach("submit.after_commit")
        return job

    async def require_inputs(self, owner: str, inputs: Sequence[JobInput]) -> None:
        """Do nothing when the owner has all of the inputs now.

        Raises:
            NotFound: Reason DATASET_NOT_FOUND or MODEL_NOT_FOUND.
        """
        async with self._database.read() as conn:
            await self._inputs.find(conn, owner, inputs)

    async def submitted(
        self, owner: str, request_id: str | None, request_hash: str | None
    ) -> JobRow | None:
        """Return the job that a request has made already; None when it has made none.

        Raises:
            AlreadyExists: The request id came with another payload; reason REQUEST_ID_REUSED.
        """
        if request_id is None:
            return None
        query = select(training_jobs).where(_JOBS.owner == owner, _JOBS.request_id == request_id)
        async with self._database.read() as conn:
            row = (await conn.execute(query)).one_or_none()
            job = None if row is None else await with_inputs(conn, JobRow.from_row(row))
        if job is not None and job.request_hash != request_hash:
            raise AlreadyExists(
                f"request_id {request_id!r} was used with another request: make a new one",
                reason="REQUEST_ID_REUSED",
                field="request_id",
            )
        return job

    async def cancel(self, owner: str, job_id: str, reason: str) -> JobRow:
        """End a queued job; ask for the end of a running one. Idempotent.

        Args:
            owner: Whose job it is.
            job_id: The job.
            reason: Why, for people; may be empty.

        Returns:
            The job now: CANCELLED, or RUNNING with `cancel_requested_at` set.

        Raises:
            NotFound: Reason JOB_NOT_FOUND.
            FailedPrecondition: It ended otherwise; reason JOB_NOT_CANCELLABLE.
        """
        async with self._database.write() as conn:
            job = await with_inputs(conn, await _lock_owned(conn, owner, job_id))
            if job.status == JobState.QUEUED:
                return await self._cancel_queued(conn, job, reason)
            if job.status == JobState.RUNNING and job.cancel_requested_at is None:
                return await self._request_cancel(conn, job, reason)
        if job.status in TERMINAL - {JobState.CANCELLED}:
            raise FailedPrecondition(
                f"job {job_id} has ended already: it is {job.status}",
                reason="JOB_NOT_CANCELLABLE",
                field="job_id",
            )
        return job

    async def delete(self, owner: str, job_id: str) -> None:
        """Remove a finished job with its journal and metrics.

        The bare row stays, unseen: models and projections refer to it. Its request id is free.

        Raises:
            NotFound: Reason JOB_NOT_FOUND.
            FailedPrecondition: It has not ended; reason JOB_NOT_FINISHED.
        """
        async with self._database.write() as conn:
            job = await _lock_owned(conn, owner, job_id)
            if job.status not in TERMINAL:
                raise FailedPrecondition(
                    f"job {job_id} is {job.status}: cancel it, and delete it once it has ended",
                    reason="JOB_NOT_FINISHED",
                    field="job_id",
                )
            await conn.execute(delete(job_events).where(job_events.c.job_id == job_id))
            await conn.execute(delete(job_metrics).where(job_metrics.c.job_id == job_id))
            values = {
                "deleted_at": self._database.now(), "request_id": None, "request_hash": None
            }  # fmt: skip
            await conn.execute(update(training_jobs).where(_JOBS.id == job_id).values(values))

    async def _insert(self, conn: AsyncConnection, new: NewJob) -> JobRow:
        now = self._database.now()
        columns = {each.name: getattr(new, each.name) for each in fields(new)}
        seconds = columns.pop("deadline_seconds")
        del columns["inputs"]
        values = {
            **columns,
            "deadline_at": self._database.now(timedelta(seconds=seconds)) if seconds else None,
            "id": str(ULID()),
            "status": JobState.QUEUED.value,
            "message": _waiting(new),
            "progress": 0.0,
            "attempt": 0,
            "cancel_reason": "",
            "run_after": now,
            "last_sequence": 1,
            "stopped_early": False,
            "version": 1,
            "created_at": now,
            "updated_at": now,
        }
        statement = insert(training_jobs).values(values).returning(*training_jobs.columns)
        job = JobRow.from_row((await conn.execute(statement)).one())
        submitted = StateChanged(to_state=state_to_proto(job.status), message=job.message)
        await journal.append(conn, job, [JobEvent(state_changed=submitted)])
        kind = WorkerKind(job.service, job.resource_class)
        await outbox.add_all(conn, [hints.run_hint(kind)])
        return job

    async def _cancel_queued(self, conn: AsyncConnection, job: JobRow, reason: str) -> JobRow:
        now = self._database.now()
        error = cancelled(reason)
        change = transition.Change(
            JobState.QUEUED,
            JobState.CANCELLED,
            error["message"],
            error,
            columns={"cancel_requested_at": now, "cancel_reason": reason},
        )
        ended = await transition.apply(conn, now, job.id, change)
        if ended is None:
            raise LookupError(f"job {job.id} changed although it was locked")
        return replace(ended, inputs=job.inputs)

    async def _request_cancel(self, conn: AsyncConnection, job: JobRow, reason: str) -> JobRow:
        now = self._database.now()
        statement = (
            update(training_jobs)
            .where(_JOBS.id == job.id)
            .values(
                cancel_requested_at=now,
                cancel_reason=reason,
                message="Cancelling.",
                version=_JOBS.version + 1,
                last_sequence=_JOBS.last_sequence + 1,
                updated_at=now,
            )
            .returning(*training_jobs.columns)
        )
        asked = JobRow.from_row((await conn.execute(statement)).one())
        running = state_to_proto(asked.status)
        event = StateChanged(from_state=running, to_state=running, message=asked.message)
        await journal.append(conn, asked, [JobEvent(state_changed=event)])
        return replace(asked, inputs=job.inputs)


async def _lock_owned(conn: AsyncConnection, owner: str, job_id: str) -> JobRow:
    require_job_id(job_id)
    query = (
        select(training_jobs)
        .where(_JOBS.owner == owner, _JOBS.id == job_id, _JOBS.deleted_at.is_(None))
        .with_for_update()
    )
    row = (await conn.execute(query)).one_or_none()
    if row is None:
        raise job_not_found(job_id)
    return JobRow.from_row(row)


def _waiting(new: NewJob) -> str:
    return f"Waiting for a {new.resource_class} worker of {new.service}."
