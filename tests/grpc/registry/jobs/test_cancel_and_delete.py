"""CancelJob and DeleteJob."""

import pytest
from sqlalchemy import func, select

from omniscope.common.v1.job_pb2 import JobState
from omniscope.events.v1.control_hint_pb2 import ControlHint
from omniscope.registry.v1 import worker_service_pb2 as messages
from omniscope.registry.v1.job_service_pb2 import (
    CancelJobRequest,
    DeleteJobRequest,
    GetJobRequest,
    ListJobEventsRequest,
    ListJobsRequest,
)
from omniscope_registry.tables.jobs import job_events, job_metrics
from omniscope_service.errors import FailedPrecondition, InvalidArgument, NotFound

CANCELLED = JobState.JOB_STATE_CANCELLED


async def test_a_queued_job_is_cancelled_at_once(registry):
    job = await registry.submit()

    cancelled = await registry.cancel(job.job_id, "wrong column")

    assert cancelled.state == CANCELLED
    assert cancelled.cancel_requested
    assert cancelled.error.reason == "JOB_CANCELLED"
    assert "wrong column" in cancelled.error.message


async def test_cancelling_again_changes_nothing(registry):
    job = await registry.submit()

    first = await registry.cancel(job.job_id)
    again = await registry.cancel(job.job_id)

    assert again == first


async def test_a_running_job_is_asked_to_stop_and_its_worker_confirms(registry):
    grant = await registry.running()

    asked = await registry.cancel(grant.lease.job_id, "too slow")
    heartbeat = await registry.worker.Heartbeat(messages.HeartbeatRequest(lease=grant.lease))
    state = await registry.fail(grant.lease, "CANCELLED")

    assert (asked.state, asked.cancel_requested) == (JobState.JOB_STATE_RUNNING, True)
    assert heartbeat.cancel_requested
    assert state == CANCELLED
    job = await registry.jobs.GetJob(GetJobRequest(job_id=grant.lease.job_id))
    assert "too slow" in job.error.message


async def test_the_worker_of_a_running_job_is_told_at_once(registry, bus):
    grant = await registry.running()
    async with bus.subscribe(f"ctl.job.{grant.lease.job_id}") as hints:
        await registry.cancel(grant.lease.job_id)
        hint = ControlHint.FromString((await anext(hints)).data)

    assert hint.job_id == grant.lease.job_id


async def test_a_result_that_came_first_stands(registry):
    grant = await registry.running()
    await registry.cancel(grant.lease.job_id)

    await registry.complete(grant)

    job = await registry.jobs.GetJob(GetJobRequest(job_id=grant.lease.job_id))
    assert (job.state, job.cancel_requested) == (JobState.JOB_STATE_SUCCEEDED, True)


async def test_a_lost_attempt_of_a_cancelled_job_is_not_tried_again(registry):
    grant = await registry.running()
    await registry.cancel(grant.lease.job_id)

    assert await registry.fail(grant.lease, "PREEMPTED") == CANCELLED


async def test_a_job_that_ended_otherwise_cannot_be_cancelled(registry, refused):
    grant = await registry.running()
    await registry.complete(grant)

    error = await refused(registry.cancel(grant.lease.job_id))

    assert isinstance(error, FailedPrecondition)
    assert error.reason == "JOB_NOT_CANCELLABLE"


async def test_a_worker_cannot_cancel_by_itself(registry, refused):
    grant = await registry.running()

    error = await refused(registry.fail(grant.lease, "CANCELLED"))

    assert isinstance(error, InvalidArgument)
    assert error.reason == "CAUSE_INVALID"


async def test_a_finished_job_is_deleted_with_its_journal(registry, refused, database, events):
    grant = await registry.running()
    await registry.report(grant.lease, 1, events.metric(0.5))
    await registry.complete(grant)
    job_id = grant.lease.job_id

    await registry.jobs.DeleteJob(DeleteJobRequest(job_id=job_id))

    for call in (
        registry.jobs.GetJob(GetJobRequest(job_id=job_id)),
        registry.jobs.ListJobEvents(ListJobEventsRequest(job_id=job_id)),
        registry.jobs.DeleteJob(DeleteJobRequest(job_id=job_id)),
        registry.cancel(job_id),
    ):
        assert isinstance(await refused(call), NotFound)
    assert not (await registry.jobs.ListJobs(ListJobsRequest())).jobs
    async with database.read() as conn:
        for table in (job_events, job_metrics):
            assert await conn.scalar(select(func.count()).select_from(table)) == 0


async def test_a_deleted_jobs_request_id_may_be_used_again(registry):
    request_id = "8c3b6a54-9a5c-4a52-8f0e-0d2f5d8f3c11"
    job = await registry.submit(request_id=request_id)
    await registry.cancel(job.job_id)
    await registry.jobs.DeleteJob(DeleteJobRequest(job_id=job.job_id))

    again = await registry.submit(request_id=request_id)

    assert again.job_id != job.job_id


@pytest.mark.parametrize("claimed", [False, True])
async def test_a_job_that_has_not_ended_cannot_be_deleted(registry, refused, claimed):
    job_id = (await registry.submit()).job_id
    if claimed:
        await registry.claim(job_id)

    error = await refused(registry.jobs.DeleteJob(DeleteJobRequest(job_id=job_id)))

    assert isinstance(error, FailedPrecondition)
    assert error.reason == "JOB_NOT_FINISHED"


async def test_somebody_elses_job_does_not_exist(registry, refused):
    job_id = (await registry.submit()).job_id
    bob = registry.jobs_of_bob

    for call in (
        bob.GetJob(GetJobRequest(job_id=job_id)),
        bob.CancelJob(CancelJobRequest(job_id=job_id)),
        bob.DeleteJob(DeleteJobRequest(job_id=job_id)),
    ):
        error = await refused(call)
        assert isinstance(error, NotFound)
        assert error.reason == "JOB_NOT_FOUND"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_reason_is_at_most_500_characters(registry, refused):
    job = await registry.submit()

    error = await refused(registry.cancel(job.job_id, "x" * 501))

    assert isinstance(error, InvalidArgument)
    assert error.field == "reason"


async def test_watchers_hear_that_the_end_of_a_running_job_was_asked_for(registry):
    grant = await registry.running()
    await registry.cancel(grant.lease.job_id)
    await registry.cancel(grant.lease.job_id)

    answer = await registry.jobs.ListJobEvents(ListJobEventsRequest(job_id=grant.lease.job_id))

    told = [event.state_changed for event in answer.events][2:]
    assert [(change.from_state, change.to_state, change.message) for change in told] == [
        (JobState.JOB_STATE_RUNNING, JobState.JOB_STATE_RUNNING, "Cancelling.")
    ]
