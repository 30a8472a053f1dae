"""RetryJob: an ended job once more, as a new one."""

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import update
from ulid import ULID

from omniscope.registry.v1.job_service_pb2 import GetJobRequest, RetryJobRequest
from omniscope_registry.tables import datasets
from omniscope_service.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound


async def _failed(registry, **fields):
    grant = await registry.running(**fields)
    await registry.fail(grant.lease, "USER_ERROR", "NO_CLASSES")
    return grant.lease.job_id


async def _retry(registry, job_id, request_id=""):
    return await registry.jobs.RetryJob(RetryJobRequest(job_id=job_id, request_id=request_id))


async def test_a_failed_job_is_repeated_as_a_new_one_and_stays_as_it_is(registry):
    job_id = await _failed(registry, description="A trial", tags={"cohort": "a"})
    before = await registry.jobs.GetJob(GetJobRequest(job_id=job_id))

    again = await _retry(registry, job_id)

    assert again.job_id != job_id
    assert (again.retry_of, again.attempt) == (job_id, 0)
    assert (again.description, dict(again.tags)) == ("A trial", {"cohort": "a"})
    assert again.config == before.config
    assert await registry.jobs.GetJob(GetJobRequest(job_id=job_id)) == before
    assert (await registry.claim(again.job_id)).lease.attempt == 1


async def test_the_same_request_id_repeats_a_job_once(registry):
    job_id, request_id = await _failed(registry), str(uuid.uuid4())

    first = await _retry(registry, job_id, request_id)
    second = await _retry(registry, job_id, request_id)

    assert second.job_id == first.job_id


async def test_a_request_id_of_another_job_is_refused(registry, refused):
    request_id = str(uuid.uuid4())
    await _retry(registry, await _failed(registry), request_id)

    error = await refused(_retry(registry, await _failed(registry), request_id))

    assert isinstance(error, AlreadyExists)
    assert error.reason == "REQUEST_ID_REUSED"


async def test_a_deadline_is_counted_anew(registry):
    job_id = await _failed(registry, deadline_seconds=600)

    again = await _retry(registry, job_id)

    left = again.deadline.ToDatetime() - again.create_time.ToDatetime()
    assert timedelta(seconds=599) < left <= timedelta(seconds=601)


@pytest.mark.parametrize("state", ["queued", "running", "succeeded"])
async def test_what_has_not_failed_is_not_repeated(registry, refused, state):
    job_id = (await registry.submit()).job_id
    if state != "queued":
        grant = await registry.claim(job_id)
        if state == "succeeded":
            await registry.complete(grant)

    error = await refused(_retry(registry, job_id))

    assert isinstance(error, FailedPrecondition)
    assert (error.reason, error.field) == ("JOB_NOT_RETRYABLE", "job_id")
    assert state in error.message


async def test_a_job_whose_dataset_is_gone_cannot_be_repeated(registry, database, refused):
    job_id = await _failed(registry)
    async with database.write() as conn:
        gone = datasets.datasets.c.created_at
        await conn.execute(update(datasets.datasets).values(deleted_at=gone))

    error = await refused(_retry(registry, job_id))

    assert isinstance(error, NotFound)
    assert error.reason == "DATASET_NOT_FOUND"


async def test_somebody_elses_job_does_not_exist(registry, refused):
    job_id = await _failed(registry)

    error = await refused(registry.jobs_of_bob.RetryJob(RetryJobRequest(job_id=job_id)))

    assert isinstance(error, NotFound)
    assert (await refused(_retry(registry, str(ULID())))).reason == "JOB_NOT_FOUND"


async def test_a_request_id_has_to_be_a_uuid(registry, refused):
    error = await refused(_retry(registry, await _failed(registry), "again"))

    assert isinstance(error, InvalidArgument)
    assert error.field == "request_id"
