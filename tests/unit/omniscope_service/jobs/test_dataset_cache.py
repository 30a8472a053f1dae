import asyncio
import hashlib
import itertools

import pytest

from omniscope_service.artifacts import ArtifactStore
from omniscope_service.errors import DataLoss, NotFound
from omniscope_service.jobs.dataset_cache import DatasetCache

DATA = b"arrow"
DIGEST = hashlib.sha256(DATA).hexdigest()
SIZE = 100


@pytest.fixture
async def artifacts(tmp_path):
    artifacts = ArtifactStore.open((tmp_path / "artifacts").as_uri())
    await artifacts.put_bytes("data", DATA)
    return artifacts


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def cache(artifacts, folder):
    return DatasetCache(artifacts, folder)


@pytest.fixture
def small_cache(artifacts, folder):
    """Room for two of the datasets that `use` makes."""
    return DatasetCache(artifacts, folder, max_bytes=2 * SIZE)


@pytest.fixture
def use(artifacts, tmp_path):
    """Stores a dataset of 100 bytes and fetches it; returns the attempt's path."""
    attempts = itertools.count(1)

    async def fetch(cache, letter):
        path = tmp_path / "work" / str(next(attempts)) / "dataset"
        data = letter.encode() * SIZE
        await artifacts.put_bytes(letter, data)
        return await cache.fetch(letter, hashlib.sha256(data).hexdigest(), path)

    return fetch


def kept(folder):
    return {path.read_text()[0] for path in folder.iterdir()}


async def test_a_dataset_is_fetched_once_and_every_attempt_has_a_file_of_its_own(
    cache, artifacts, tmp_path
):
    first = await cache.fetch("data", DIGEST, tmp_path / "1" / "dataset")
    await artifacts.put_bytes("data", b"other")
    second = await cache.fetch("data", DIGEST, tmp_path / "2" / "dataset")
    first.unlink()

    assert second == tmp_path / "2" / "dataset"
    assert second.read_bytes() == DATA


async def test_a_dataset_with_another_digest_is_refused_and_not_kept(cache, folder, tmp_path):
    with pytest.raises(DataLoss) as caught:
        await cache.fetch("data", "0" * 64, tmp_path / "1" / "dataset")

    assert caught.value.reason == "DATASET_CORRUPT"
    assert not folder.exists()


async def test_a_dataset_that_is_not_stored_is_not_found(cache, tmp_path):
    with pytest.raises(NotFound):
        await cache.fetch("absent", DIGEST, tmp_path / "1" / "dataset")


async def test_an_interrupted_download_leaves_nothing_in_the_cache(cache, folder, tmp_path):
    fetching = asyncio.create_task(cache.fetch("data", DIGEST, tmp_path / "1" / "dataset"))
    await asyncio.sleep(0)
    fetching.cancel()
    await asyncio.wait({fetching})

    assert fetching.cancelled()
    assert not folder.exists()


async def test_the_least_recently_used_dataset_makes_room(small_cache, folder, use):
    for letter in "abac":
        (await use(small_cache, letter)).unlink()

    assert kept(folder) == {"a", "c"}


async def test_a_dataset_in_use_is_kept_beyond_the_limit_until_its_attempt_has_ended(
    small_cache, folder, use
):
    in_use = [await use(small_cache, letter) for letter in "abc"]
    assert kept(folder) == {"a", "b", "c"}

    in_use[1].unlink()
    in_use.append(await use(small_cache, "d"))

    assert kept(folder) == {"a", "c", "d"}


async def test_a_dataset_that_is_larger_than_the_cache_is_kept_only_while_it_is_used(
    artifacts, folder, use
):
    cache = DatasetCache(artifacts, folder, max_bytes=SIZE - 1)

    large = await use(cache, "a")
    assert large.read_bytes() == b"a" * SIZE
    large.unlink()
    await use(cache, "b")

    assert kept(folder) == {"b"}


async def test_workers_that_share_a_cache_take_nothing_from_each_other(artifacts, folder, use):
    workers = [DatasetCache(artifacts, folder, max_bytes=SIZE) for _ in range(2)]

    paths = await asyncio.gather(
        *(use(worker, letter) for letter in "abcd" for worker in workers for _ in range(3))
    )

    assert [path.read_text()[0] for path in paths] == sorted("abcd" * 6)
