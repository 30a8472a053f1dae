"""ClaimJob and Heartbeat: one valid lease per job, and a repeated claim is the same claim."""

import asyncio
import uuid

import pytest
from sqlalchemy import select
from ulid import ULID

from omniscope.automl.v1.automl_service_pb2 import TrainRequest
from omniscope.common.v1.job_pb2 import JobState
from omniscope.registry.v1 import worker_service_pb2 as messages
from omniscope.registry.v1.job_service_pb2 import GetJobRequest
from omniscope_registry.tables.jobs import training_jobs, workers
from omniscope_service.errors import Aborted, InvalidArgument


async def test_a_claim_gives_all_that_a_worker_needs(registry):
    job = await registry.submit()

    grant = await registry.claim(job.job_id)

    train = TrainRequest()
    assert grant.job.config.Unpack(train)
    assert grant.job.state == JobState.JOB_STATE_RUNNING
    assert (grant.lease.job_id, grant.lease.attempt) == (job.job_id, 1)
    assert len(grant.lease.lease_token) == 32
    assert grant.artifacts_prefix.startswith(f"jobs/{job.job_id}/attempts/1-")
    assert grant.inputs[0].digest == "b" * 64
    assert grant.inputs[0].artifact_key == f"datasets/{'b' * 64}/data.arrow"
    assert (grant.lease_duration.seconds, grant.heartbeat_interval.seconds) == (60, 15)
    assert grant.hard_limit.seconds == 600


async def test_a_claimed_job_shows_when_it_started(registry):
    grant = await registry.running()

    job = await registry.jobs.GetJob(GetJobRequest(job_id=grant.job.job_id))

    assert job.state == JobState.JOB_STATE_RUNNING
    assert job.attempt == 1
    assert job.create_time.ToNanoseconds() <= job.start_time.ToNanoseconds()


async def test_a_claim_repeated_with_its_id_gives_the_same_grant(registry):
    job = await registry.submit()
    claim_id = str(uuid.uuid4())

    first = await registry.claim(job.job_id, claim_id)
    again = await registry.claim(job.job_id, claim_id)

    assert again.lease == first.lease
    assert again.artifacts_prefix == first.artifacts_prefix


async def test_of_many_claims_at_the_same_time_one_is_granted(registry):
    job = await registry.submit()

    grants = await asyncio.gather(*(registry.claim() for _ in range(8)))

    assert [grant.job.job_id for grant in grants if grant.HasField("lease")] == [job.job_id]


async def test_claims_at_the_same_time_get_different_jobs(registry):
    jobs = {(await registry.submit()).job_id for _ in range(8)}

    grants = await asyncio.gather(*(registry.claim() for _ in range(8)))

    assert {grant.lease.job_id for grant in grants} == jobs


async def test_the_oldest_job_comes_first_also_after_it_was_handed_back(registry):
    jobs = sorted([(await registry.submit()).job_id for _ in range(3)])
    first = await registry.claim()
    await registry.fail(first.lease, "PREEMPTED")

    claimed = [(await registry.claim()).lease for _ in range(3)]

    assert [lease.job_id for lease in claimed] == jobs
    assert [lease.attempt for lease in claimed] == [2, 1, 1]


async def test_a_claim_that_is_repeated_while_it_is_under_way_gets_the_same_grant(registry):
    for _ in range(8):  # as many jobs as the claims could take by mistake
        await registry.submit()
    claim_id = str(uuid.uuid4())

    grants = await asyncio.gather(*(registry.claim("", claim_id) for _ in range(8)))

    assert {grant.lease.lease_token for grant in grants} == {grants[0].lease.lease_token}
    assert {grant.lease.attempt for grant in grants} == {1}


async def test_a_claim_repeated_after_its_attempt_has_ended_takes_no_other_job(registry):
    await registry.submit()
    claim_id = str(uuid.uuid4())
    grant = await registry.claim("", claim_id)
    await registry.fail(grant.lease, "PREEMPTED")
    await registry.submit()

    again = await registry.claim("", claim_id)

    assert not again.HasField("lease")


@pytest.mark.parametrize("state", ["none", "running", "cancelled"])
async def test_a_claim_without_a_job_that_waits_gets_none(registry, state):
    if state == "running":
        await registry.running()
    elif state == "cancelled":
        await registry.cancel((await registry.submit()).job_id)

    grant = await registry.claim()

    assert grant == messages.ClaimJobResponse()


async def test_the_database_holds_no_lease_token(registry, database):
    grant = await registry.running()

    async with database.read() as conn:
        row = (await conn.execute(select(training_jobs))).one()

    assert grant.lease.lease_token not in map(str, row)


async def test_a_claim_id_is_a_uuid(registry, refused):
    job = await registry.submit()

    error = await refused(registry.claim(job.job_id, "first"))

    assert isinstance(error, InvalidArgument)
    assert error.field == "claim_id"


async def test_a_heartbeat_extends_the_lease(registry, database):
    grant = await registry.running()
    lease_until = select(training_jobs.c.lease_until)
    async with database.read() as conn:
        before = await conn.scalar(lease_until)

    answer = await registry.worker.Heartbeat(messages.HeartbeatRequest(lease=grant.lease))

    async with database.read() as conn:
        assert await conn.scalar(lease_until) > before
    assert not answer.cancel_requested
    assert answer.lease_duration.seconds == 60


@pytest.mark.parametrize("wrong", ["token", "attempt", "job"])
async def test_a_lease_that_does_not_hold_is_stale(registry, refused, wrong):
    lease = (await registry.running()).lease
    stale = messages.AttemptLease(
        job_id=str(ULID()) if wrong == "job" else lease.job_id,
        attempt=2 if wrong == "attempt" else 1,
        lease_token="0" * 32 if wrong == "token" else lease.lease_token,
    )

    error = await refused(registry.worker.Heartbeat(messages.HeartbeatRequest(lease=stale)))

    assert isinstance(error, Aborted)
    assert error.reason == "STALE_ATTEMPT"


async def test_a_worker_that_announces_itself_again_is_the_same_worker(registry, database):
    announcement = messages.AnnounceWorkerRequest(
        worker_id=str(ULID()),
        service="automl",
        resource_class="cpu",
        slots=1,
        versions={"omniscope": "0.1.0"},
    )

    await registry.worker.AnnounceWorker(announcement)
    announcement.slots = 2
    answer = await registry.worker.AnnounceWorker(announcement)

    async with database.read() as conn:
        row = (await conn.execute(select(workers))).one()
    assert (row.id, row.slots, row.versions) == (
        announcement.worker_id, 2, {"omniscope": "0.1.0"}
    )  # fmt: skip
    assert answer.heartbeat_interval.seconds == 15


@pytest.mark.parametrize("fields", [{"service": "deeplearning"}, {"resource_class": "gpu"}])
async def test_a_worker_gets_no_job_of_another_service_or_class(registry, fields):
    await registry.submit()

    assert not (await registry.claim(**fields)).HasField("lease")
    assert (await registry.claim()).lease.attempt == 1
