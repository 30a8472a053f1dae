"""SubmitJob: what is stored, what is refused, and what a repetition does."""

import asyncio
import uuid

import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from ulid import ULID

from omniscope.automl.v1.automl_service_pb2 import TrainRequest
from omniscope.common.v1.job_input_pb2 import JobInput
from omniscope.common.v1.job_pb2 import JobState
from omniscope.events.v1.run_hint_pb2 import RunHint
from omniscope.registry.v1.job_intake_service_pb2 import ColumnList
from omniscope.registry.v1.job_intake_service_pb2_grpc import JobIntakeServiceStub
from omniscope.registry.v1.job_service_pb2 import GetJobRequest, ListJobsRequest
from omniscope_service.errors import AlreadyExists, InvalidArgument, NotFound, PermissionDenied
from omniscope_service.testing.serving import channel

ID = str(ULID())


async def test_a_submitted_job_is_queued_with_all_that_was_said_about_it(registry):
    submitted = await registry.submit(
        description="A trial", tags={"cohort": "a"}, warnings=["Few rows."]
    )

    job = await registry.jobs.GetJob(GetJobRequest(job_id=submitted.job_id))

    assert job.state == JobState.JOB_STATE_QUEUED
    assert (job.service, job.model_type) == ("automl", "automl.tabular")
    assert (job.created_by, job.experiment, job.attempt) == ("ada", "default", 0)
    assert job.description == "A trial"
    assert dict(job.tags) == {"cohort": "a"}
    assert list(job.warnings) == ["Few rows."]
    assert job.last_sequence == 1
    train = TrainRequest()
    assert job.config.Unpack(train)
    assert train.target_column == "outcome"


async def test_a_submitted_job_is_hinted_to_the_workers_of_its_class(registry, bus):
    async with bus.subscribe("jobs.run.hinted.gpu") as messages:
        await registry.submit(service="hinted", resource_class="gpu")
        message = await anext(messages)

    assert RunHint.FromString(message.data) == RunHint(version=1)


async def test_the_same_request_id_and_payload_return_the_same_job(registry):
    request_id = str(uuid.uuid4())

    first = await registry.submit(request_id=request_id)
    again = await registry.submit(request_id=request_id.upper(), warnings=["Another remark."])

    assert again.job_id == first.job_id
    assert len((await registry.jobs.ListJobs(ListJobsRequest())).jobs) == 1


async def test_the_same_request_sent_at_the_same_time_makes_one_job(registry):
    request_id = str(uuid.uuid4())

    jobs = await asyncio.gather(*(registry.submit(request_id=request_id) for _ in range(8)))

    assert len({job.job_id for job in jobs}) == 1


async def test_a_request_id_with_another_payload_is_refused(registry, refused):
    request_id = str(uuid.uuid4())
    await registry.submit(request_id=request_id)

    error = await refused(registry.submit(request_id=request_id, description="changed"))

    assert isinstance(error, AlreadyExists)
    assert (error.reason, error.field) == ("REQUEST_ID_REUSED", "request_id")


async def test_validate_only_stores_nothing(registry):
    job = await registry.submit(validate_only=True)

    assert job.job_id == ""
    assert job.model_name == "outcome-model"
    assert not (await registry.jobs.ListJobs(ListJobsRequest())).jobs


async def test_a_dataset_of_somebody_else_does_not_exist(registry, refused):
    error = await refused(registry.intake_of_bob.SubmitJob(registry.submission()))

    assert isinstance(error, NotFound)
    assert error.reason == "DATASET_NOT_FOUND"


async def test_an_unknown_dataset_is_named(registry, refused):
    error = await refused(
        registry.submit(inputs=[JobInput(role="training", dataset_id=str(ULID()))])
    )

    assert isinstance(error, NotFound)
    assert (error.reason, error.field) == ("DATASET_NOT_FOUND", "inputs[0].dataset_id")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"service": "Auto ML"}, "service"),
        ({"model_type": "../x"}, "model_type"),
        ({"resource_class": "tpu"}, "resource_class"),
        ({"model_name": "no/slash"}, "model_name"),
        ({"experiment": "no/slash"}, "experiment"),
        ({"request_id": "not-a-uuid"}, "request_id"),
        ({"config": AnyMessage(type_url="type.googleapis.com/some.Thing")}, "config"),
        ({"hard_limit_seconds": -1}, "hard_limit_seconds"),
        ({"tags": {f"tag{number}": "" for number in range(65)}}, "tags"),
        ({"tags": {"key": "x" * 257}}, "tags"),
        ({"description": "x" * 10_001}, "description"),
        ({"description": "zero\0byte"}, "description"),
        ({"inputs": []}, "inputs"),
        ({"inputs": [JobInput(role="member", model_id=ID)] * 1001}, "inputs"),
        ({"inputs": [JobInput(role="training", dataset_id="genes")]}, "inputs[0].dataset_id"),
        ({"inputs": [JobInput(role="a", model_id=ID), JobInput(role="b")]}, "inputs[1]"),
        ({"inputs": [JobInput(role="Training", model_id=ID)]}, "inputs[0].role"),
        ({"artifact_kind": "No Kind"}, "artifact_kind"),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_field_that_cannot_be_is_refused(registry, refused, fields, field):
    error = await refused(registry.submit(**fields))

    assert isinstance(error, InvalidArgument)
    assert error.field == field


async def test_long_column_lists_reach_the_worker_without_passing_through_the_row(registry):
    names = [f"gene{number}" for number in range(500)]

    grant = await registry.running(column_lists={"feature_columns": ColumnList(names=names)})

    assert list(grant.column_lists["feature_columns"].names) == names


async def test_only_services_may_submit(registry, refused):
    async with channel(registry.target, "ada") as user:
        error = await refused(JobIntakeServiceStub(user).SubmitJob(registry.submission()))

    assert isinstance(error, PermissionDenied)
