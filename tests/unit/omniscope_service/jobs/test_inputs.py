"""Inputs and results of jobs through the worker: what the child reads, and what it leaves."""

import asyncio
import hashlib
import json

import pytest

from omniscope.registry.v1 import worker_service_pb2 as messages
from omniscope.registry.v1.worker_service_pb2 import CompleteJobRequest
from omniscope_service.artifacts import ArtifactStore
from tests.unit.omniscope_service.jobs.conftest import dataset_input
from tests.unit.omniscope_service.jobs.packages import SigningKey, store_package

PACKAGE = ["manifest.json", "manifest.sig", "weights.bin", "registry.pub", "results.json"]


@pytest.fixture
async def model(scene):
    return await store_package(scene.artifacts, scene.key)


@pytest.fixture
def slow_store(monkeypatch):
    """A store whose files are under way for ever; set when one is."""
    reached = asyncio.Event()

    async def get_file(_store, _key, _path):
        reached.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(ArtifactStore, "get_file", get_file)
    return reached


async def read(scene, *inputs):
    """Run a job that logs what it was given; return that."""
    job = await scene.submit("read_inputs", inputs=inputs)
    assert isinstance(await scene.registry.until_ended(job), CompleteJobRequest)
    return [json.loads(line) for line in scene.registry.logged(job)]


async def test_a_child_gets_datasets_and_models_in_the_order_of_its_job(scene, model):
    table = dataset_input()
    async with scene.working():
        first, second = await read(scene, model, table)

    role, kind, model_id, files = first
    assert (role, kind, model_id) == ("member", "model", model.model_id)
    assert sorted(files) == sorted(PACKAGE)
    assert second == ["training", "dataset", table.dataset_id, [table.digest]]


async def test_a_model_that_is_an_input_twice_is_given_twice(scene, model):
    twin = messages.ClaimedInput()
    twin.CopyFrom(model)
    twin.role = "reference"
    async with scene.working():
        given = await read(scene, model, twin)

    assert [role for role, *_ in given] == ["member", "reference"]


async def test_concurrent_attempts_and_other_workers_share_what_was_fetched(scene, model):
    async with scene.working(slots=2), scene.working(slots=2):
        given = await asyncio.gather(*(read(scene, model) for _ in range(4)))

    assert all(sorted(files) == sorted(PACKAGE) for ((*_, files),) in given)
    assert [path.name for path in (scene.home / "package_cache").iterdir()] == [model.digest]


async def test_a_package_that_was_fetched_before_needs_no_store(scene, model):
    async with scene.working():
        before = await read(scene, model)
        await scene.artifacts.delete_prefix(model.artifact_key)
        after = await read(scene, model)

    assert after == before


async def test_packages_are_kept_within_their_own_bound(scene, model):
    other = await store_package(scene.artifacts, scene.key, files={"a": b"1" * 100})
    async with scene.working(package_cache_bytes=1):
        await read(scene, model)
        await read(scene, dataset_input(), other)

    # What the last job used was in use when the cache was trimmed.
    assert [path.name for path in (scene.home / "package_cache").iterdir()] == [other.digest]
    assert (scene.home / "cache" / dataset_input().digest).exists()


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("payload/weights.bin", "PACKAGE_CORRUPT"),
        ("payload/added.py", "PACKAGE_CORRUPT"),
        ("manifest.json", "PACKAGE_CORRUPT"),
        ("manifest.sig", "PACKAGE_SIGNATURE_INVALID"),
    ],
)
async def test_a_package_that_was_tampered_with_reaches_no_child(scene, model, path, reason):
    await scene.artifacts.put_bytes(f"{model.artifact_key}/{path}", b"\x00" * 64)
    async with scene.working():
        job = await scene.submit("read_inputs", inputs=[model])
        failed = await scene.registry.until_ended(job)

    assert failed.cause == messages.FAILURE_CAUSE_INFRASTRUCTURE
    assert failed.error.reason == reason
    assert model.model_id in failed.error.message
    assert scene.registry.logged(job) == []
    assert not (scene.home / "package_cache").exists()


async def test_a_package_that_another_registry_has_signed_reaches_no_child(scene):
    foreign = await store_package(scene.artifacts, SigningKey())
    async with scene.working():
        failed = await scene.run("read_inputs", inputs=[foreign])

    assert failed.error.reason == "PACKAGE_SIGNATURE_INVALID"


async def test_a_missing_input_is_no_fault_of_the_user_and_the_worker_goes_on(scene):
    async with scene.working():
        failed = await scene.run("succeed", inputs=[dataset_input("absent")])
        following = await scene.run("succeed")

    assert failed.cause == messages.FAILURE_CAUSE_INFRASTRUCTURE
    assert failed.error.reason == "ARTIFACT_NOT_FOUND"
    assert isinstance(following, CompleteJobRequest)


async def test_a_job_is_cancelled_while_its_inputs_are_fetched(scene, model, slow_store):
    async with scene.working():
        job = await scene.submit("read_inputs", inputs=[model])
        await slow_store.wait()
        await scene.cancel(job)
        failed = await scene.registry.until_ended(job)

    assert failed.cause == messages.FAILURE_CAUSE_CANCELLED
    assert not (scene.home / "package_cache").exists()


async def test_a_job_without_inputs_runs(scene):
    async with scene.working():
        assert await read(scene) == []


async def test_an_artifact_is_stored_and_completed_as_a_model_is(scene):
    async with scene.working():
        completed = await scene.run("explain", job_id="j" * 26)

    stored = await scene.artifacts.get_bytes(f"{completed.package_key}/manifest.json")
    values = await scene.artifacts.get_bytes(f"{completed.package_key}/values.json")
    assert hashlib.sha256(stored).hexdigest() == completed.manifest_digest
    assert json.loads(stored) == {
        "kind": "explanation",
        "job_id": "j" * 26,
        "attempt": 1,
        "format_version": 1,
        "files": {"values.json": {"sha256": hashlib.sha256(values).hexdigest(), "size_bytes": 5}},
    }
