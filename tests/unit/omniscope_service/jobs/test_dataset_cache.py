import hashlib

import pytest

from omniscope_service.artifacts import ArtifactStore
from omniscope_service.errors import DataLoss, NotFound
from omniscope_service.jobs.dataset_cache import DatasetCache

DATA = b"arrow"
DIGEST = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
async def artifacts(tmp_path):
    artifacts = ArtifactStore.open((tmp_path / "artifacts").as_uri())
    await artifacts.put_bytes("data", DATA)
    return artifacts


@pytest.fixture
def cache(artifacts, tmp_path):
    return DatasetCache(artifacts, tmp_path / "cache")


async def test_a_dataset_is_fetched_once(cache, artifacts):
    first = await cache.fetch("data", DIGEST)
    await artifacts.put_bytes("data", b"other")
    second = await cache.fetch("data", DIGEST)

    assert first == second
    assert second.read_bytes() == DATA


async def test_a_dataset_with_another_digest_is_refused_and_not_kept(cache, tmp_path):
    with pytest.raises(DataLoss) as caught:
        await cache.fetch("data", "0" * 64)

    assert caught.value.reason == "DATASET_CORRUPT"
    assert list((tmp_path / "cache").iterdir()) == []


async def test_a_dataset_that_is_not_stored_is_not_found(cache):
    with pytest.raises(NotFound):
        await cache.fetch("absent", DIGEST)
