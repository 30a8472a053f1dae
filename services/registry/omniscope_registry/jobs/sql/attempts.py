"""The attempt of a claimed job as its worker drives it: keep the lease, complete it or fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, update

from omniscope_registry.jobs.domain import (
    SUCCEEDED,
    TERMINAL,
    Cause,
    JobState,
    JobTimes,
    Lease,
    artifacts_prefix,
    time_left,
)
from omniscope_registry.jobs.errors import stale_attempt
from omniscope_registry.jobs.sql import projections, transition
from omniscope_registry.jobs.sql.ending import end_attempt, record_outcome
from omniscope_registry.jobs.sql.inputs import with_inputs
from omniscope_registry.jobs.sql.leases import find_held, held, lock_held, owned
from omniscope_registry.jobs.values import JobResult
from omniscope_registry.jobs.worker_values import HeartbeatDirectives, RunningAttempt
from omniscope_registry.tables.jobs import job_attempts, training_jobs
from omniscope_service import failpoints
from omniscope_service.errors import InvalidArgument

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from omniscope_registry.database import Database
    from omniscope_registry.jobs.domain import Failure
    from omniscope_registry.jobs.ports import ResultRegistrar
    from omniscope_registry.jobs.values import VerifiedPackage

_JOBS = training_jobs.c
_ATTEMPTS = job_attempts.c


class SqlAttemptStore:
    """Attempts and their leases. Every method is one transaction.

    A lease that no longer holds is answered with Aborted, reason STALE_ATTEMPT, whatever the
    reason: the job ended, was given to another attempt, or is gone.
    """

    def __init__(self, database: Database, times: JobTimes) -> None:
        self._database = database
        self._times = times

    async def heartbeat(self, lease: Lease) -> HeartbeatDirectives:
        """Extend the lease; return what the worker has to know."""
        statement = (
            update(training_jobs)
            .where(*held(lease))
            .values(lease_until=self._database.now(self._times.lease))
            .returning(_JOBS.cancel_requested_at, _JOBS.deadline_at, _JOBS.lease_until)
        )
        async with self._database.write() as conn:
            row = (await conn.execute(statement)).one_or_none()
        if row is None:
            raise stale_attempt(lease)
        return HeartbeatDirectives(
            cancel=row.cancel_requested_at is not None,
            deadline_in=time_left(row.deadline_at, row.lease_until, self._times),
        )

    async def running(self, lease: Lease) -> RunningAttempt:
        """Return what the running attempt may store."""
        query = (
            select(_ATTEMPTS.nonce, _JOBS.artifact_kind)
            .join(training_jobs, _ATTEMPTS.job_id == _JOBS.id)
            .where(*held(lease), _ATTEMPTS.attempt == lease.attempt)
        )
        async with self._database.read() as conn:
            row = (await conn.execute(query)).one_or_none()
        if row is None:
            raise stale_attempt(lease)
        prefix = artifacts_prefix(lease.job_id, lease.attempt, row.nonce)
        return RunningAttempt(prefix, row.artifact_kind)

    async def completed(self, lease: Lease) -> JobResult | None:
        """Return the result when this very attempt has completed the job already."""
        query = (
            select(_JOBS.model_id, _JOBS.artifact_id)
            .join(job_attempts, _ATTEMPTS.job_id == _JOBS.id)
            .where(*owned(lease), _ATTEMPTS.outcome == SUCCEEDED)
        )
        async with self._database.read() as conn:
            row = (await conn.execute(query)).one_or_none()
        return None if row is None else JobResult(*row)

    async def complete(
        self,
        lease: Lease,
        package: VerifiedPackage,
        registrar: ResultRegistrar,
        *,
        stopped_early: bool,
    ) -> JobResult:
        """Register the result and make the job SUCCEEDED."""
        async with self._database.write() as conn:
            job = await with_inputs(conn, await lock_held(conn, lease))
            result = await registrar.register(conn, package, job)
            change = _success(result, stopped_early=stopped_early)
            ended = await transition.apply(conn, self._database.now(), job.id, change)
            if ended is None:
                raise stale_attempt(lease)
            await record_outcome(self._database, conn, ended, outcome=SUCCEEDED)
            await projections.run_ended(conn, ended, SUCCEEDED)
            await failpoints.reach("complete.before_commit")
        await failpoints.reach("complete.after_commit")
        return result

    async def fail(self, lease: Lease, failure: Failure) -> JobState:
        """End the attempt without a result. Idempotent by its cause.

        Returns:
            QUEUED when another attempt follows, else how the job has ended.

        Raises:
            InvalidArgument: The cause is CANCELLED, and nobody asked for that; reason
                CAUSE_INVALID.
        """
        async with self._database.write() as conn:
            job = await find_held(conn, lease)
            if job is None:
                return await self._failed_before(conn, lease, failure)
            if failure.cause is Cause.CANCELLED and job.cancel_requested_at is None:
                raise InvalidArgument(
                    f"cause is CANCELLED, but nobody asked job {job.id} to be cancelled",
                    reason="CAUSE_INVALID",
                    field="cause",
                )
            return JobState((await end_attempt(self._database, conn, job, failure)).status)

    async def _failed_before(
        self, conn: AsyncConnection, lease: Lease, failure: Failure
    ) -> JobState:
        # Looked up after the attempt to lock, which waits for the same call when it is under way.
        query = (
            select(_JOBS.status)
            .join(job_attempts, _ATTEMPTS.job_id == _JOBS.id)
            .where(*owned(lease), _ATTEMPTS.outcome == failure.cause.value)
        )
        status = await conn.scalar(query)
        if status is None:
            raise stale_attempt(lease)
        return JobState(status) if status in TERMINAL else JobState.QUEUED


def _success(result: JobResult, *, stopped_early: bool) -> transition.Change:
    done = "The model is registered." if result.model_id else "The artifact is stored."
    limit = " A limit was hit: this is the best result before it." if stopped_early else ""
    return transition.Change(
        JobState.RUNNING,
        JobState.SUCCEEDED,
        f"{done}{limit}",
        columns={**result._asdict(), "stopped_early": stopped_early, "progress": 100.0},
    )
