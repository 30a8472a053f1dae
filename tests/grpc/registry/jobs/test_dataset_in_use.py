"""DeleteDataset against SubmitJob and RetryJob: no job is left without what it reads."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from omniscope.registry.v1.dataset_service_pb2 import DeleteDatasetRequest, GetDatasetRequest
from omniscope.registry.v1.dataset_service_pb2_grpc import DatasetServiceStub
from omniscope.registry.v1.job_service_pb2 import ListJobsRequest, RetryJobRequest
from omniscope_registry.datasets.store_sql import SqlDatasetStore
from omniscope_service.errors import FailedPrecondition, NotFound
from omniscope_service.testing.serving import channel
from tests.grpc.registry.jobs.conftest import outcome_of


@asynccontextmanager
async def datasets_of_ada(registry):
    async with channel(registry.target, "ada") as connection:
        yield DatasetServiceStub(connection)


async def test_a_delete_that_overlaps_a_submission_is_refused(registry, overlap):
    async with datasets_of_ada(registry) as datasets:
        request = DeleteDatasetRequest(dataset_id=registry.dataset_id)
        job, deleted = await overlap(
            "submit.before_commit", registry.submit, lambda: datasets.DeleteDataset(request)
        )

    assert deleted == "DATASET_IN_USE"
    assert (await registry.claim(job.job_id)).inputs[0].artifact_key


@pytest.mark.parametrize("call", ["submit", "retry"])
async def test_a_job_that_overlaps_a_delete_is_refused(registry, overlap, call):
    job = await registry.submit()
    await registry.cancel(job.job_id)

    async def start():
        if call == "submit":
            return await registry.submit()
        return await registry.jobs.RetryJob(RetryJobRequest(job_id=job.job_id))

    async with datasets_of_ada(registry) as datasets:
        request = DeleteDatasetRequest(dataset_id=registry.dataset_id)
        _, outcome = await overlap(
            "delete_dataset.before_commit", lambda: datasets.DeleteDataset(request), start
        )

    assert outcome == "DATASET_NOT_FOUND"
    assert len((await registry.jobs.ListJobs(ListJobsRequest())).jobs) == 1


async def test_however_they_meet_either_job_and_dataset_exist_or_neither(registry, database):
    async with datasets_of_ada(registry) as datasets:
        request = DeleteDatasetRequest(dataset_id=registry.dataset_id)
        calls = [registry.submit() for _ in range(6)]
        calls.insert(3, datasets.DeleteDataset(request))
        await asyncio.gather(*map(outcome_of, calls))

    jobs = (await registry.jobs.ListJobs(ListJobsRequest())).jobs
    async with database.read() as conn:
        found = await SqlDatasetStore(database).find(conn, "ada", [registry.dataset_id])
    assert bool(found) == bool(jobs)


async def test_the_error_names_some_of_the_jobs(registry, refused):
    jobs = sorted([(await registry.submit()).job_id for _ in range(7)])

    async with datasets_of_ada(registry) as datasets:
        error = await refused(datasets.DeleteDataset(DeleteDatasetRequest(dataset_id="genes")))
        await datasets.GetDataset(GetDatasetRequest(dataset_id="genes"))

    assert isinstance(error, FailedPrecondition)
    assert error.reason == "DATASET_IN_USE"
    assert ", ".join(jobs[:5]) + " and others" in error.message
    assert jobs[5] not in error.message
    assert error.metadata["job_id"] == jobs[0]


async def test_a_dataset_of_ended_jobs_may_go_and_takes_no_job_any_more(registry, refused):
    await registry.cancel((await registry.submit()).job_id)

    async with datasets_of_ada(registry) as datasets:
        await datasets.DeleteDataset(DeleteDatasetRequest(dataset_id=registry.dataset_id))
    error = await refused(registry.submit())

    assert isinstance(error, NotFound)
    assert error.reason == "DATASET_NOT_FOUND"
