"""`auto` becomes what there is, and a job that nobody can take says so."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from ulid import ULID

from omniscope.registry.v1.job_service_pb2 import (
    GetJobRequest,
    GetJobStatusRequest,
    ListJobsRequest,
    RetryJobRequest,
)
from omniscope.registry.v1.worker_service_pb2 import AnnounceWorkerRequest
from omniscope_registry.tables.jobs import training_jobs, workers


async def _announce(registry, resource_class, service="automl"):
    await registry.worker.AnnounceWorker(
        AnnounceWorkerRequest(
            worker_id=str(ULID()), service=service, resource_class=resource_class, slots=1
        )
    )


async def _last_seen(database, age):
    async with database.write() as conn:
        await conn.execute(update(workers).values(last_seen_at=database.now(-age)))


async def _class_of(database, job):
    query = select(training_jobs.c.resource_class).where(training_jobs.c.id == job.job_id)
    async with database.read() as conn:
        return await conn.scalar(query)


async def _messages(registry, job):
    """Return the job's message by every way that it can be read."""
    status = await registry.jobs.GetJobStatus(GetJobStatusRequest(job_id=job.job_id))
    whole = await registry.jobs.GetJob(GetJobRequest(job_id=job.job_id))
    listed = (await registry.jobs.ListJobs(ListJobsRequest())).jobs
    return {status.message, whole.message, *(j.message for j in listed if j.job_id == job.job_id)}


@pytest.mark.parametrize(
    ("announced", "expected"),
    [
        ([], "cpu"),
        ([("cpu", "automl")], "cpu"),
        ([("gpu", "deeplearning")], "cpu"),
        ([("cpu", "automl"), ("gpu", "automl")], "gpu"),
    ],
)
async def test_auto_is_a_gpu_when_a_gpu_worker_of_the_service_is_there(
    registry, database, announced, expected
):
    for resource_class, service in announced:
        await _announce(registry, resource_class, service)

    job = await registry.submit(resource_class="auto")

    assert await _class_of(database, job) == expected


@pytest.mark.parametrize(("age", "expected"), [(30, "gpu"), (61, "cpu")])
async def test_a_gpu_worker_that_was_silent_for_a_minute_is_not_there(
    registry, database, age, expected
):
    await _announce(registry, "gpu")
    await _last_seen(database, timedelta(seconds=age))

    assert await _class_of(database, await registry.submit(resource_class="auto")) == expected


async def test_what_auto_became_stays_whoever_comes_later(registry, database):
    request_id = "5f0a3c7e-3f1c-4a2d-9d3b-0f6f0a6f7a11"
    first = await registry.submit(resource_class="auto", request_id=request_id)
    await _announce(registry, "gpu")

    again = await registry.submit(resource_class="auto", request_id=request_id)
    await registry.cancel(first.job_id)
    retried = await registry.jobs.RetryJob(RetryJobRequest(job_id=first.job_id))

    assert again.job_id == first.job_id
    assert await _class_of(database, first) == "cpu"
    assert await _class_of(database, retried) == "cpu"


async def test_a_job_whose_kind_of_worker_is_missing_says_so_until_one_comes(registry):
    await _announce(registry, "cpu")
    job = await registry.submit(resource_class="gpu")

    assert await _messages(registry, job) == {
        "Waiting for a gpu worker of automl; none has announced itself."
    }
    await _announce(registry, "gpu")
    assert await _messages(registry, job) == {"Waiting for a gpu worker of automl."}


async def test_a_job_behind_others_says_its_place_whether_a_worker_is_there_or_not(registry):
    await registry.submit()
    job = await registry.submit()

    assert await _messages(registry, job) == {
        "Waiting for a cpu worker of automl; none has announced itself. Position in the queue: 2."
    }
    await _announce(registry, "cpu")
    assert await _messages(registry, job) == {
        "Waiting for a cpu worker of automl. Position in the queue: 2."
    }


async def test_a_job_between_two_attempts_says_why_and_what_is_missing(registry):
    job = await registry.submit()
    grant = await registry.claim(job.job_id)
    await registry.fail(grant.lease, "PREEMPTED")

    (message,) = await _messages(registry, job)

    assert message.startswith("Attempt 1 ended (preempted): It did not work.")
    assert message.endswith("No cpu worker of automl has announced itself.")


async def test_a_job_that_does_not_wait_says_nothing_about_workers(registry):
    grant = await registry.running(resource_class="gpu")

    assert await _messages(registry, grant.job) == {"A worker has started."}
