"""Inputs of a claim: each in its place, common ones fetched once, and cached apart."""

import hashlib

import pytest

from omniscope.registry.v1.worker_service_pb2 import ClaimedInput, ClaimJobResponse
from omniscope_service.errors import DataLoss, NotFound
from omniscope_service.jobs.inputs.cache import ContentCache
from omniscope_service.jobs.inputs.fetch import InputFetcher
from tests.unit.omniscope_service.jobs.packages import FILES, store_package

TABLE = b"arrow"


@pytest.fixture
def fetch(artifacts, key, tmp_path):
    """Fetches the inputs of a claim as the attempt of a name."""
    fetcher = InputFetcher(
        artifacts,
        datasets=ContentCache(tmp_path / "cache" / "datasets", 1000),
        packages=ContentCache(tmp_path / "cache" / "packages", 1000),
    )

    async def for_attempt(name, *inputs):
        grant = ClaimJobResponse(inputs=inputs, signing_public_key=key.public_key)
        return await fetcher.fetch(grant, tmp_path / "work" / name / "inputs")

    return for_attempt


@pytest.fixture
async def table(artifacts):
    await artifacts.put_bytes("table", TABLE)
    return ClaimedInput(
        role="training",
        dataset_id="d" * 26,
        artifact_key="table",
        digest=hashlib.sha256(TABLE).hexdigest(),
    )


async def test_inputs_come_in_the_order_of_the_job_with_role_kind_and_id(
    fetch, artifacts, key, table
):
    model = await store_package(artifacts, key)

    first, second = await fetch("a", model, table)

    assert (first.role, first.kind, first.id) == ("member", "model", model.model_id)
    assert (second.role, second.kind, second.id) == ("training", "dataset", "d" * 26)
    assert second.path.read_bytes() == TABLE
    assert {path: (first.path / path).read_bytes() for path in FILES} == FILES


async def test_inputs_with_the_same_content_are_fetched_once(fetch, artifacts, key, table):
    model = await store_package(artifacts, key)
    twin = ClaimedInput(
        role="reference", model_id="m" * 26, artifact_key="absent", digest=model.digest
    )
    copy = ClaimedInput(
        role="test", dataset_id="e" * 26, artifact_key="absent", digest=table.digest
    )

    a, b, c, d = await fetch("a", model, twin, table, copy)

    assert (a.path, c.path) == (b.path, d.path)
    assert (b.role, b.id, d.role, d.id) == ("reference", "m" * 26, "test", "e" * 26)


async def test_a_cached_package_is_taken_without_the_store(fetch, artifacts, key, tmp_path):
    model = await store_package(artifacts, key)
    (first,) = await fetch("a", model)
    await artifacts.delete_prefix(model.artifact_key)

    (second,) = await fetch("b", model)

    assert first.path != second.path
    assert (second.path / "payload/weights.bin").samefile(first.path / "payload/weights.bin")


async def test_a_refused_package_is_not_cached(fetch, artifacts, key, tmp_path):
    model = await store_package(artifacts, key)
    await artifacts.put_bytes(f"{model.artifact_key}/payload/weights.bin", b"\x02" * 64)

    with pytest.raises(DataLoss):
        await fetch("a", model)

    assert not (tmp_path / "cache").exists()


async def test_a_dataset_with_another_digest_is_refused_and_not_cached(fetch, table, tmp_path):
    table.digest = "0" * 64

    with pytest.raises(DataLoss) as caught:
        await fetch("a", table)

    assert caught.value.reason == "DATASET_CORRUPT"
    assert not (tmp_path / "cache").exists()


async def test_a_dataset_that_is_not_stored_is_not_found(fetch, table):
    table.artifact_key = "absent"

    with pytest.raises(NotFound):
        await fetch("a", table)


async def test_a_job_without_inputs_gets_none(fetch):
    assert await fetch("a") == ()
