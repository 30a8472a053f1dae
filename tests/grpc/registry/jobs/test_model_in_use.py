"""DeleteModel against SubmitJob and RetryJob: no job is left without a model that it reads."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from omniscope.common.v1.job_input_pb2 import JobInput
from omniscope.registry.v1.job_service_pb2 import ListJobsRequest, RetryJobRequest
from omniscope.registry.v1.model_service_pb2 import (
    DeleteModelRequest,
    GetModelRequest,
    SetAliasRequest,
)
from omniscope.registry.v1.model_service_pb2_grpc import ModelServiceStub
from omniscope_service.errors import FailedPrecondition
from omniscope_service.testing.serving import channel
from tests.grpc.registry.jobs.conftest import outcome_of


@asynccontextmanager
async def models_of_ada(registry):
    async with channel(registry.target, "ada") as connection:
        yield ModelServiceStub(connection)


def reading(model_id):
    return [JobInput(role="member", model_id=model_id)]


async def test_a_delete_that_overlaps_a_submission_is_refused(registry, overlap):
    model_id = await registry.model()

    async with models_of_ada(registry) as models:
        job, deleted = await overlap(
            "submit.before_commit",
            lambda: registry.submit(inputs=reading(model_id)),
            lambda: models.DeleteModel(DeleteModelRequest(model_id=model_id)),
        )

    assert deleted == "MODEL_IN_USE"
    assert (await registry.claim(job.job_id)).inputs[0].model_id == model_id


@pytest.mark.parametrize("call", ["submit", "retry"])
async def test_a_job_that_overlaps_a_delete_is_refused(registry, overlap, call):
    model_id = await registry.model()
    job = await registry.submit(inputs=reading(model_id))
    await registry.cancel(job.job_id)

    async def start():
        if call == "submit":
            return await registry.submit(inputs=reading(model_id))
        return await registry.jobs.RetryJob(RetryJobRequest(job_id=job.job_id))

    async with models_of_ada(registry) as models:
        request = DeleteModelRequest(model_id=model_id)
        _, outcome = await overlap(
            "delete_model.before_commit", lambda: models.DeleteModel(request), start
        )

    assert outcome == "MODEL_NOT_FOUND"
    only = ListJobsRequest(filter=f'model_id = "{model_id}"')
    assert len((await registry.jobs.ListJobs(only)).jobs) == 1


async def test_however_they_meet_either_jobs_and_model_exist_or_neither(registry):
    model_id = await registry.model()

    async with models_of_ada(registry) as models:
        calls = [registry.submit(inputs=reading(model_id)) for _ in range(6)]
        calls.insert(3, models.DeleteModel(DeleteModelRequest(model_id=model_id)))
        await asyncio.gather(*map(outcome_of, calls))
        found = await outcome_of(models.GetModel(GetModelRequest(model_id=model_id)))

    only = ListJobsRequest(filter=f'model_id = "{model_id}"')
    jobs = (await registry.jobs.ListJobs(only)).jobs
    assert (found != "MODEL_NOT_FOUND") == bool(jobs)


@pytest.mark.parametrize("state", ["queued", "running"])
async def test_the_error_names_the_job_and_the_aliases(registry, refused, state):
    model_id = await registry.model()
    job = await registry.submit(inputs=reading(model_id))
    if state == "running":
        await registry.claim(job.job_id)

    async with models_of_ada(registry) as models:
        await models.SetAlias(SetAliasRequest(model_id=model_id, alias="champion"))
        error = await refused(models.DeleteModel(DeleteModelRequest(model_id=model_id)))

    assert isinstance(error, FailedPrecondition)
    assert (error.reason, error.field) == ("MODEL_IN_USE", "model_id")
    assert f"alias champion, job {job.job_id}" in error.message
    assert error.metadata["job_id"] == job.job_id


async def test_a_model_of_ended_jobs_may_go_and_is_read_by_none_any_more(registry, refused):
    model_id = await registry.model()
    job = await registry.submit(inputs=reading(model_id))
    await registry.cancel(job.job_id)

    async with models_of_ada(registry) as models:
        await models.DeleteModel(DeleteModelRequest(model_id=model_id))
    error = await refused(registry.submit(inputs=reading(model_id)))

    assert (error.reason, error.field) == ("MODEL_NOT_FOUND", "inputs[0].model_id")
