"""Deadlines of jobs: in line, running, and between attempts."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from omniscope.common.v1.job_pb2 import JobState
from omniscope.registry.v1 import worker_service_pb2 as messages
from omniscope.registry.v1.job_service_pb2 import GetJobRequest
from omniscope_registry.jobs.domain import JobTimes
from omniscope_registry.jobs.loops.deadlines import DeadlineEnforcer
from omniscope_registry.tables.jobs import training_jobs
from omniscope_service.errors import InvalidArgument

TIMED_OUT = JobState.JOB_STATE_TIMED_OUT
NO_GRACE = JobTimes(cancel_grace=timedelta(0))


async def _pass_deadline(database):
    async with database.write() as conn:
        passed = training_jobs.c.created_at
        await conn.execute(update(training_jobs).values(deadline_at=passed))


async def _job(registry, job_id):
    return await registry.jobs.GetJob(GetJobRequest(job_id=job_id))


async def test_a_job_has_the_deadline_that_was_asked_for(registry):
    job = await registry.submit(deadline_seconds=90)

    left = job.deadline.ToDatetime() - job.create_time.ToDatetime()
    assert abs(left - timedelta(seconds=90)) < timedelta(seconds=1)
    assert not (await registry.submit()).HasField("deadline")


async def test_a_job_still_in_line_at_its_deadline_times_out_once(registry, database):
    job = await registry.submit(deadline_seconds=90)
    await registry.submit()
    assert await DeadlineEnforcer(database, NO_GRACE).enforce() == 0
    async with database.write() as conn:
        mine = update(training_jobs).where(training_jobs.c.id == job.job_id)
        await conn.execute(mine.values(deadline_at=training_jobs.c.created_at))

    enforcer = DeadlineEnforcer(database, NO_GRACE)

    assert [await enforcer.enforce(), await enforcer.enforce()] == [1, 0]
    ended = await _job(registry, job.job_id)
    assert (ended.state, ended.error.reason) == (TIMED_OUT, "JOB_DEADLINE_EXCEEDED")


async def test_a_job_past_its_deadline_cannot_be_claimed(registry, database):
    await registry.submit(deadline_seconds=90)
    await _pass_deadline(database)

    assert not (await registry.claim()).HasField("lease")


async def test_claim_and_heartbeat_tell_the_worker_how_long_is_left(registry):
    grant = await registry.running(deadline_seconds=90)
    beat = await registry.worker.Heartbeat(messages.HeartbeatRequest(lease=grant.lease))

    assert 0 < grant.deadline_in.ToTimedelta().total_seconds() <= 90
    assert 0 < beat.deadline_in.ToTimedelta().total_seconds() <= 90


async def test_without_a_deadline_nothing_is_told(registry):
    grant = await registry.running()
    beat = await registry.worker.Heartbeat(messages.HeartbeatRequest(lease=grant.lease))

    assert not grant.HasField("deadline_in")
    assert not beat.HasField("deadline_in")


async def test_a_running_job_is_left_to_its_worker_for_the_grace(registry, database):
    grant = await registry.running(deadline_seconds=90)
    await _pass_deadline(database)

    assert await DeadlineEnforcer(database, JobTimes()).enforce() == 0
    beat = await registry.worker.Heartbeat(messages.HeartbeatRequest(lease=grant.lease))
    assert beat.HasField("deadline_in")
    assert beat.deadline_in.ToTimedelta() == timedelta(0)
    assert await registry.complete(grant, stopped_early=True)


async def test_a_running_job_that_did_not_obey_times_out_and_its_worker_is_fenced(
    registry, database, refused
):
    grant = await registry.running(deadline_seconds=90)
    await _pass_deadline(database)

    assert await DeadlineEnforcer(database, NO_GRACE).enforce() == 1

    assert (await _job(registry, grant.lease.job_id)).state == TIMED_OUT
    late = registry.worker.Heartbeat(messages.HeartbeatRequest(lease=grant.lease))
    assert (await refused(late)).reason == "STALE_ATTEMPT"


async def test_a_job_that_waits_for_its_next_attempt_times_out_too(registry, database):
    grant = await registry.running(deadline_seconds=90)
    await registry.fail(grant.lease, "INFRASTRUCTURE")
    await _pass_deadline(database)

    await DeadlineEnforcer(database, NO_GRACE).enforce()

    assert (await _job(registry, grant.lease.job_id)).state == TIMED_OUT


@pytest.mark.parametrize("seconds", [-1, 40 * 24 * 3600])
async def test_a_deadline_out_of_range_is_refused(registry, refused, seconds):
    error = await refused(registry.submit(deadline_seconds=seconds))

    assert isinstance(error, InvalidArgument)
    assert error.field == "deadline_seconds"
