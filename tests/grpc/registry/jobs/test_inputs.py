"""What jobs read: looked up at submission, handed to the worker, searched for in lists."""

import uuid

import pytest
from ulid import ULID

from omniscope.common.v1.job_input_pb2 import JobInput
from omniscope.registry.v1.job_service_pb2 import GetJobRequest, ListJobsRequest, RetryJobRequest
from omniscope.registry.v1.model_service_pb2 import GetModelRequest
from omniscope.registry.v1.model_service_pb2_grpc import ModelServiceStub
from omniscope_service.signatures import is_signed
from omniscope_service.testing.serving import channel


def dataset(registry, role="background"):
    return JobInput(role=role, dataset_id=registry.dataset_id)


def model(model_id, role="member"):
    return JobInput(role=role, model_id=model_id)


async def test_a_job_has_its_inputs_in_their_order(registry):
    inputs = [model(await registry.model()), dataset(registry), model(await registry.model())]

    submitted = await registry.submit(inputs=inputs)
    job = await registry.jobs.GetJob(GetJobRequest(job_id=submitted.job_id))
    cancelled = await registry.cancel(submitted.job_id)

    assert list(submitted.inputs) == list(job.inputs) == list(cancelled.inputs) == inputs


async def test_a_claim_tells_where_each_input_lies(registry):
    model_id = await registry.model()

    grant = await registry.running(inputs=[model(model_id), dataset(registry, "training")])

    async with channel(registry.target, "ada") as connection:
        package = await ModelServiceStub(connection).GetModel(GetModelRequest(model_id=model_id))
    first, second = grant.inputs
    assert (first.role, first.model_id) == ("member", model_id)
    assert (first.artifact_key, first.digest) == (package.artifacts_path, package.manifest_digest)
    assert (second.role, second.dataset_id) == ("training", registry.dataset_id)
    assert (second.artifact_key, second.digest) == (f"datasets/{'b' * 64}/data.arrow", "b" * 64)


async def test_a_claim_brings_the_key_that_packages_are_verified_with(registry):
    grant = await registry.running(inputs=[model(await registry.model())])
    package = grant.inputs[0].artifact_key

    manifest = await registry.artifacts.get_bytes(f"{package}/manifest.json")
    signature = await registry.artifacts.get_bytes(f"{package}/manifest.sig")

    assert is_signed(manifest, signature, grant.signing_public_key)


async def test_a_repeated_claim_and_a_retry_have_the_same_inputs(registry):
    inputs = [model(await registry.model()), dataset(registry)]
    job = await registry.submit(inputs=inputs)
    claim_id = str(uuid.uuid4())

    first = await registry.claim(job.job_id, claim_id)
    again = await registry.claim(job.job_id, claim_id)
    await registry.fail(first.lease, "USER_ERROR")
    repeated = await registry.jobs.RetryJob(RetryJobRequest(job_id=job.job_id))

    assert list(first.inputs) == list(again.inputs)
    assert list(repeated.inputs) == inputs
    assert list((await registry.claim(repeated.job_id)).inputs) == list(first.inputs)


async def test_a_thousand_inputs_are_stored_and_lists_show_the_first(registry):
    inputs = [model(await registry.model(), f"member_{number}") for number in range(2)] * 500

    job = await registry.submit(inputs=inputs)
    (listed,) = (await registry.jobs.ListJobs(ListJobsRequest(filter='state = "queued"'))).jobs

    assert len(job.inputs) == 1000
    assert list(listed.inputs) == inputs[:16]


async def test_the_missing_input_is_named_by_its_place(registry, refused):
    stranger = str(ULID())

    error = await refused(registry.submit(inputs=[dataset(registry), model(stranger)]))

    assert (error.reason, error.field) == ("MODEL_NOT_FOUND", "inputs[1].model_id")
    assert stranger in error.message
    assert not (await registry.jobs.ListJobs(ListJobsRequest())).jobs


async def test_nobody_reads_what_is_somebody_elses(registry, refused):
    model_id = await registry.model()

    of_model = registry.intake_of_bob.SubmitJob(registry.submission(inputs=[model(model_id)]))
    of_dataset = registry.intake_of_bob.SubmitJob(registry.submission())

    assert (await refused(of_model)).reason == "MODEL_NOT_FOUND"
    assert (await refused(of_dataset)).reason == "DATASET_NOT_FOUND"


async def test_another_input_makes_another_request(registry, refused):
    request_id = str(uuid.uuid4())
    job = await registry.submit(request_id=request_id)

    again = await registry.submit(request_id=request_id)
    other = registry.submit(request_id=request_id, inputs=[dataset(registry, "background")])

    assert again == job
    assert (await refused(other)).reason == "REQUEST_ID_REUSED"


async def test_jobs_are_found_by_any_input_and_each_once(registry):
    model_id = await registry.model()
    inputs = [dataset(registry, "a"), model(model_id), dataset(registry, "b"), model(model_id)]
    both = (await registry.submit(inputs=inputs)).job_id
    one = (await registry.submit(inputs=[model(model_id)])).job_id

    async def found(only, **fields):
        page = await registry.jobs.ListJobs(ListJobsRequest(filter=only, **fields))
        return [job.job_id for job in page.jobs], page.next_page_token

    of_model, of_dataset = f'model_id = "{model_id}"', f'dataset_id = "{registry.dataset_id}"'
    queued = ' AND state = "queued"'
    assert (await found(of_model))[0] == [one, both]
    assert (await found(f"{of_model} AND {of_dataset}"))[0] == [both]
    assert (await found(of_dataset + queued))[0] == [both]
    assert (await found(of_dataset.replace("=", "!=") + queued))[0] == [one]
    assert (await found('model_id = "none"'))[0] == []
    first, token = await found(of_model, page_size=1)
    assert first == [one]
    assert (await found(of_model, page_size=1, page_token=token))[0] == [both]
    assert (await found(of_model, order_by="create_time"))[0] == [both, one]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_model_is_known_by_the_dataset_that_it_was_trained_on(registry):
    of_models = await registry.running(inputs=[model(await registry.model())])
    trained = await registry.running(
        inputs=[dataset(registry, "background"), dataset(registry, "training")]
    )
    model_ids = [await registry.complete(grant) for grant in (of_models, trained)]

    async with channel(registry.target, "ada") as connection:
        stub = ModelServiceStub(connection)
        ensemble, single = [
            await stub.GetModel(GetModelRequest(model_id=model_id)) for model_id in model_ids
        ]

    assert ensemble.dataset_id == ""
    assert single.dataset_id == registry.dataset_id
