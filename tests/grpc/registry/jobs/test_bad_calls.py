"""Calls that come too late or from the wrong caller: each has its reason, none an effect."""

import uuid
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import select, update

from omniscope.common.v1.job_event_pb2 import JobEvent, WatchRequest
from omniscope.registry.v1 import worker_service_pb2 as messages
from omniscope.registry.v1.job_service_pb2 import ListJobEventsRequest, RetryJobRequest
from omniscope_registry.tables.jobs import job_attempts, job_checkpoints, job_events, training_jobs
from omniscope_service.errors import (
    Aborted,
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    OutOfRange,
)

_TABLES = (training_jobs, job_attempts, job_events, job_checkpoints)


async def _rows(database):
    async with database.read() as conn:
        return [sorted(map(repr, await conn.execute(select(*table.c)))) for table in _TABLES]


@pytest.fixture
def unchanged(database):
    """Holds every row of jobs to be the same after the block as before it."""

    @asynccontextmanager
    async def check():
        before = await _rows(database)
        yield
        assert await _rows(database) == before

    return check


async def _stale_calls(registry, lease, events):
    worker, prefix = registry.worker, f"jobs/{lease.job_id}/attempts/1-0"
    stored = messages.StoredCheckpoint(
        name="a", step=1, manifest_key=f"{prefix}/checkpoints/a.json", manifest_digest="c" * 64
    )
    return {
        "Heartbeat": worker.Heartbeat(messages.HeartbeatRequest(lease=lease)),
        "ReportEvents": registry.report(lease, 1, events.progress(50)),
        "RegisterCheckpoint": worker.RegisterCheckpoint(
            messages.RegisterCheckpointRequest(lease=lease, checkpoint=stored)
        ),
        "CompleteJob": worker.CompleteJob(
            messages.CompleteJobRequest(
                lease=lease, package_key=f"{prefix}/package", manifest_digest="c" * 64
            )
        ),
        "FailJob": registry.fail(lease, "CRASH"),
    }


@pytest.mark.parametrize("why", ["another attempt", "another token", "ended", "cancelled"])
async def test_a_stale_worker_changes_nothing_by_any_call(
    registry, refused, unchanged, events, why
):
    grant = await registry.running()
    lease = grant.lease
    if why == "another attempt":
        await registry.fail(lease, "PREEMPTED")
        await registry.claim(lease.job_id)
    elif why == "another token":
        lease = messages.AttemptLease(job_id=lease.job_id, attempt=1, lease_token="0" * 32)
    elif why == "ended":
        await registry.fail(lease, "USER_ERROR")
    else:
        await registry.cancel(lease.job_id)
        await registry.fail(lease, "CANCELLED")

    async with unchanged():
        for name, call in (await _stale_calls(registry, lease, events)).items():
            error = await refused(call)
            assert isinstance(error, Aborted), name
            assert (error.reason, error.field) == ("STALE_ATTEMPT", "lease"), name


@pytest.mark.parametrize("state", ["running", "ended", "another service", "not due"])
async def test_a_claim_after_a_hint_that_lied_changes_nothing(registry, unchanged, state):
    about = {"service": "deeplearning"} if state == "another service" else {}
    await registry.submit()
    if state != "another service":
        lease = (await registry.claim()).lease
        if state == "ended":
            await registry.fail(lease, "USER_ERROR")
        elif state == "not due":
            await registry.fail(lease, "INFRASTRUCTURE")

    async with unchanged():
        assert not (await registry.claim(**about)).HasField("lease")


@pytest.mark.parametrize("ended", [False, True])
async def test_a_request_id_with_another_payload_makes_and_changes_nothing(
    registry, refused, unchanged, ended
):
    request_id = str(uuid.uuid4())
    job = await registry.submit(request_id=request_id)
    if ended:
        await registry.cancel(job.job_id)

    async with unchanged():
        error = await refused(registry.submit(request_id=request_id, model_name="another"))

    assert isinstance(error, AlreadyExists)
    assert (error.reason, error.field) == ("REQUEST_ID_REUSED", "request_id")


async def test_the_cancel_of_a_job_that_ended_otherwise_changes_nothing(
    registry, refused, unchanged
):
    succeeded, failed = await registry.running(), await registry.running()
    await registry.complete(succeeded)
    await registry.fail(failed.lease, "USER_ERROR")

    async with unchanged():
        for grant in (succeeded, failed):
            error = await refused(registry.cancel(grant.lease.job_id, "too late"))
            assert isinstance(error, FailedPrecondition)
            assert (error.reason, error.field) == ("JOB_NOT_CANCELLABLE", "job_id")


async def test_the_retry_of_a_job_that_has_not_failed_makes_and_changes_nothing(
    registry, refused, unchanged
):
    queued, running = await registry.submit(), await registry.running()
    succeeded = await registry.running()
    await registry.complete(succeeded)

    async with unchanged():
        for job_id in (queued.job_id, running.lease.job_id, succeeded.lease.job_id):
            error = await refused(registry.jobs.RetryJob(RetryJobRequest(job_id=job_id)))
            assert isinstance(error, FailedPrecondition)
            assert (error.reason, error.field) == ("JOB_NOT_RETRYABLE", "job_id")


async def _last_token(registry, job_id):
    watch = registry.jobs.WatchJob(WatchRequest(job_id=job_id))
    await watch.read()
    event: JobEvent = await watch.read()
    watch.cancel()
    return event.resume_token


async def test_a_resume_token_of_another_job_is_refused(registry, refused, unchanged):
    grant, other = await registry.running(), await registry.running()
    token = await _last_token(registry, other.lease.job_id)

    async with unchanged():
        watch = registry.jobs.WatchJob(WatchRequest(job_id=grant.lease.job_id, resume_token=token))
        error = await refused(watch.read())

    assert isinstance(error, InvalidArgument)
    assert (error.reason, error.field) == ("RESUME_TOKEN_INVALID", "resume_token")


async def test_a_resume_token_older_than_the_journal_is_refused(
    registry, database, refused, unchanged, events
):
    grant = await registry.running()
    job_id = grant.lease.job_id
    token = await _last_token(registry, job_id)
    await registry.report(grant.lease, 1, *(events.metric(0.1, step) for step in range(5)))
    async with database.write() as conn:
        await conn.execute(update(training_jobs).values(pruned_sequence=5))

    async with unchanged():
        watch = registry.jobs.WatchJob(WatchRequest(job_id=job_id, resume_token=token))
        error = await refused(watch.read())

    assert isinstance(error, OutOfRange)
    assert (error.reason, error.field) == ("RESUME_TOKEN_EXPIRED", "resume_token")
    journal = await registry.jobs.ListJobEvents(ListJobEventsRequest(job_id=job_id))
    assert journal.events
