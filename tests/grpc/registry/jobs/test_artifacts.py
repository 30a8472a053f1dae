"""ArtifactService, and jobs that make an artifact in place of a model."""

import io
import tarfile
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from ulid import ULID

from omniscope.common.v1.job_event_pb2 import WatchRequest
from omniscope.common.v1.job_input_pb2 import JobInput
from omniscope.common.v1.job_pb2 import JobState
from omniscope.registry.v1 import artifact_service_pb2 as messages
from omniscope.registry.v1.artifact_service_pb2_grpc import ArtifactServiceStub
from omniscope.registry.v1.job_service_pb2 import (
    GetJobRequest,
    GetJobStatusRequest,
    RetryJobRequest,
)
from omniscope.registry.v1.worker_service_pb2 import CompleteJobRequest
from omniscope_registry.artifacts.purger import artifact_purger
from omniscope_service.errors import DataLoss, FailedPrecondition, NotFound
from omniscope_service.testing.serving import channel
from tests.grpc.registry.jobs.conftest import ARTIFACT_JOB, put_artifact_package


@asynccontextmanager
async def artifacts_of(registry, caller="ada"):
    async with channel(registry.target, caller) as connection:
        yield ArtifactServiceStub(connection)


def complete(registry, grant, package):
    key, digest = package
    request = CompleteJobRequest(lease=grant.lease, package_key=key, manifest_digest=digest)
    return registry.worker.CompleteJob(request)


async def test_a_job_makes_an_artifact_with_what_it_read(registry):
    inputs = [
        JobInput(role="explained", model_id=await registry.model()),
        JobInput(role="background", dataset_id=registry.dataset_id),
    ]
    grant = await registry.running(**ARTIFACT_JOB, inputs=inputs)
    key, digest = await put_artifact_package(registry.artifacts, grant)

    completed = await complete(registry, grant, (key, digest))

    async with artifacts_of(registry) as stub:
        artifact = await stub.GetArtifact(
            messages.GetArtifactRequest(artifact_id=completed.artifact_id)
        )
    assert completed.model_id == ""
    assert (artifact.kind, artifact.job_id) == ("explanation", grant.job.job_id)
    assert list(artifact.inputs) == inputs
    assert (artifact.artifacts_path, artifact.manifest_digest) == (key, digest)
    assert artifact.created_by == "ada"
    assert artifact.size_bytes > 0
    assert artifact.HasField("create_time")
    assert artifact.HasField("update_time")


async def test_the_job_and_its_last_event_name_the_artifact(registry):
    artifact_id = await registry.artifact()
    async with artifacts_of(registry) as stub:
        artifact = await stub.GetArtifact(messages.GetArtifactRequest(artifact_id=artifact_id))

    job = await registry.jobs.GetJob(GetJobRequest(job_id=artifact.job_id))
    status = await registry.jobs.GetJobStatus(GetJobStatusRequest(job_id=artifact.job_id))
    events = [event async for event in registry.jobs.WatchJob(WatchRequest(job_id=job.job_id))]

    assert job.state == JobState.JOB_STATE_SUCCEEDED
    assert (job.artifact_kind, job.artifact_id, job.model_id) == ("explanation", artifact_id, "")
    assert (status.artifact_id, status.model_id) == (artifact_id, "")
    assert (events[-1].state_changed.artifact_id, events[-1].state_changed.model_id) == (
        artifact_id,
        "",
    )


async def test_completing_twice_gives_the_same_artifact(registry):
    grant = await registry.running(**ARTIFACT_JOB)
    package = await put_artifact_package(registry.artifacts, grant)

    first = await complete(registry, grant, package)

    assert await complete(registry, grant, package) == first


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"kind": "forecast"}, "kind is 'forecast', not 'explanation'"),
        ({"attempt": 2}, "attempt 2 of job"),
        ({"format_version": 2}, "format_version is 2"),
        ({"kind": None}, "no field kind"),
        ({"files": {}}, "is not in the manifest"),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_package_that_is_not_what_the_job_makes_is_refused(
    registry, refused, changes, says
):
    grant = await registry.running(**ARTIFACT_JOB)
    package = await put_artifact_package(registry.artifacts, grant, **changes)

    error = await refused(complete(registry, grant, package))

    assert isinstance(error, DataLoss)
    assert error.reason == "PACKAGE_CORRUPT"
    assert says in error.message
    job = await registry.jobs.GetJob(GetJobRequest(job_id=grant.job.job_id))
    assert job.state == JobState.JOB_STATE_RUNNING


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_job_that_makes_a_model_takes_no_artifact(registry, refused):
    grant = await registry.running()
    package = await put_artifact_package(registry.artifacts, grant)

    error = await refused(complete(registry, grant, package))

    assert error.reason == "PACKAGE_CORRUPT"


async def test_artifacts_are_listed_by_their_jobs_and_found_by_kind_and_input(registry):
    model_id = await registry.model()
    of_model = await registry.artifact(inputs=[JobInput(role="explained", model_id=model_id)])
    others = [await registry.artifact() for _ in range(2)]

    async with artifacts_of(registry) as stub:

        async def found(only="", **fields):
            page = await stub.ListArtifacts(messages.ListArtifactsRequest(filter=only, **fields))
            return [artifact.artifact_id for artifact in page.artifacts], page.next_page_token

        newest_first = [*reversed(others), of_model]
        assert (await found())[0] == newest_first
        assert (await found('kind = "explanation"'))[0] == newest_first
        assert (await found('kind != "explanation"'))[0] == []
        assert (await found(f'model_id = "{model_id}"'))[0] == [of_model]
        assert (await found(f'dataset_id = "{registry.dataset_id}"'))[0] == newest_first[:2]
        first, token = await found(page_size=2)
        assert (first, (await found(page_size=2, page_token=token))[0]) == (
            newest_first[:2],
            [of_model],
        )
        assert (await found(order_by="create_time"))[0] == newest_first[::-1]


async def test_an_artifact_is_downloaded_with_its_signature(registry):
    artifact_id = await registry.artifact()

    async with artifacts_of(registry) as stub:
        whole = await _names(stub, artifact_id)
        plots = await _names(stub, artifact_id, folder="plots")

    own = ["manifest.json", "manifest.sig", "registry.pub"]
    assert whole == [*own, "importance.json", "plots/importance.svg"]
    assert plots == [*own, "plots/importance.svg"]


async def _names(stub, artifact_id, **fields):
    request = messages.DownloadArtifactRequest(artifact_id=artifact_id, **fields)
    data = b"".join([piece.data async for piece in stub.DownloadArtifact(request)])
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return tar.getnames()


async def test_a_deleted_artifact_is_found_no_more_and_comes_back(registry, refused):
    artifact_id = await registry.artifact()
    deleted = messages.DeleteArtifactRequest(artifact_id=artifact_id)
    get = messages.GetArtifactRequest(artifact_id=artifact_id)

    async with artifacts_of(registry) as stub:
        await stub.DeleteArtifact(deleted)
        for call in (stub.GetArtifact(get), stub.DeleteArtifact(deleted)):
            error = await refused(call)
            assert isinstance(error, NotFound)
            assert (error.reason, error.field) == ("ARTIFACT_NOT_FOUND", "artifact_id")
        hidden = await stub.ListArtifacts(messages.ListArtifactsRequest())
        shown = await stub.ListArtifacts(messages.ListArtifactsRequest(show_deleted=True))
        back = await stub.UndeleteArtifact(
            messages.UndeleteArtifactRequest(artifact_id=artifact_id)
        )

        assert not hidden.artifacts
        assert shown.artifacts[0].HasField("purge_time")
        assert not back.HasField("delete_time")
        assert await stub.GetArtifact(get) == back


async def test_a_purged_artifact_has_no_package_and_never_comes_back(
    registry, refused, database, artifacts
):
    artifact_id = await registry.artifact()

    async with artifacts_of(registry) as stub:
        artifact = await stub.GetArtifact(messages.GetArtifactRequest(artifact_id=artifact_id))
        kept = artifact_purger(database, artifacts, timedelta(days=30))
        # A negative time stands for one that is over, with its margin.
        over = artifact_purger(database, artifacts, timedelta(minutes=-2))
        assert await over.purge() == 0
        await stub.DeleteArtifact(messages.DeleteArtifactRequest(artifact_id=artifact_id))
        assert [await kept.purge(), await over.purge(), await over.purge()] == [0, 1, 0]
        undeleted = stub.UndeleteArtifact(
            messages.UndeleteArtifactRequest(artifact_id=artifact_id)
        )
        assert (await refused(undeleted)).reason == "ARTIFACT_NOT_FOUND"
        shown = await stub.ListArtifacts(messages.ListArtifactsRequest(show_deleted=True))

    assert not shown.artifacts
    assert await artifacts.list(artifact.artifacts_path) == []


async def test_somebody_elses_artifact_does_not_exist(registry, refused):
    artifact_id = await registry.artifact()

    async with artifacts_of(registry, "bob") as stub:
        calls = [
            stub.GetArtifact(messages.GetArtifactRequest(artifact_id=artifact_id)),
            stub.DeleteArtifact(messages.DeleteArtifactRequest(artifact_id=artifact_id)),
            stub.UndeleteArtifact(messages.UndeleteArtifactRequest(artifact_id=artifact_id)),
            _names(stub, artifact_id),
            stub.GetArtifact(messages.GetArtifactRequest(artifact_id=str(ULID()))),
            stub.GetArtifact(messages.GetArtifactRequest(artifact_id="zero\0byte")),
        ]
        assert [(await refused(call)).reason for call in calls] == ["ARTIFACT_NOT_FOUND"] * 6
        assert not (await stub.ListArtifacts(messages.ListArtifactsRequest())).artifacts


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_job_that_made_its_artifact_is_not_repeated(registry, refused):
    artifact_id = await registry.artifact()
    async with artifacts_of(registry) as stub:
        artifact = await stub.GetArtifact(messages.GetArtifactRequest(artifact_id=artifact_id))

    error = await refused(registry.jobs.RetryJob(RetryJobRequest(job_id=artifact.job_id)))

    assert isinstance(error, FailedPrecondition)
    assert "it has its result" in error.message
