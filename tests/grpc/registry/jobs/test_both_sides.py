"""What the registry grants an attempt can fetch, and what a trainer writes the registry takes."""

import hashlib
import json

import pytest

from omniscope.common.v1.job_input_pb2 import JobInput
from omniscope.registry.v1.worker_service_pb2 import CompleteJobRequest
from omniscope_ml.packaging import ArtifactManifest, write_manifest
from omniscope_service.errors import DataLoss
from omniscope_service.jobs.inputs.cache import ContentCache
from omniscope_service.jobs.inputs.fetch import InputFetcher
from tests.grpc.registry.jobs.conftest import ARTIFACT_JOB


@pytest.fixture
def fetcher(registry, tmp_path):
    caches = [ContentCache(tmp_path / "caches" / kind, 2**20) for kind in ("data", "packages")]
    return InputFetcher(registry.artifacts, *caches)


def digest(folder):
    return hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()


async def test_an_attempt_fetches_the_model_that_another_made(registry, fetcher, tmp_path):
    model_id = await registry.model()
    grant = await registry.running(inputs=[JobInput(role="member", model_id=model_id)])

    (given,) = await fetcher.fetch(grant, tmp_path / "inputs")

    manifest = json.loads((given.path / "manifest.json").read_text())
    assert (given.role, given.kind, given.id) == ("member", "model", model_id)
    assert {path.name for path in given.path.iterdir()} >= {"manifest.sig", "registry.pub"}
    assert all((given.path / path).is_file() for path in manifest["files"])


async def test_an_attempt_refuses_a_model_that_was_changed_since(registry, fetcher, tmp_path):
    grant = await registry.running(
        inputs=[JobInput(role="member", model_id=await registry.model())]
    )
    await registry.artifacts.put_bytes(f"{grant.inputs[0].artifact_key}/results.json", b"{}")

    with pytest.raises(DataLoss):
        await fetcher.fetch(grant, tmp_path / "inputs")


async def test_an_artifact_that_a_trainer_writes_is_registered(registry, tmp_path):
    grant = await registry.running(**ARTIFACT_JOB)
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "values.json").write_text("[]")
    lease = grant.lease
    write_manifest(
        folder,
        ArtifactManifest(kind="explanation", job_id=lease.job_id, attempt=lease.attempt),
    )
    key = f"{grant.artifacts_prefix}/package"
    await registry.artifacts.put_folder(key, folder)

    completed = await registry.worker.CompleteJob(
        CompleteJobRequest(lease=lease, package_key=key, manifest_digest=digest(folder))
    )

    assert completed.artifact_id
