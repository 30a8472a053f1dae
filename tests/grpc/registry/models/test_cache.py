import asyncio

import pytest

from omniscope.common.v1.model_pb2 import Model
from omniscope_registry.models.cache import ModelCache
from omniscope_service.errors import NotFound


def _model(model_id, version=1):
    return Model(model_id=model_id, version=version)


def test_a_model_is_found_for_its_owner_only():
    cache = ModelCache(2)
    cache.put("ada", _model("a"), generation=0)

    assert cache.get("ada", "a") == _model("a")
    assert cache.get("bob", "a") is None


def test_the_least_recently_read_model_is_dropped_first():
    cache = ModelCache(2)
    cache.put("ada", _model("a"), generation=0)
    cache.put("ada", _model("b"), generation=0)
    cache.get("ada", "a")

    cache.put("ada", _model("c"), generation=0)

    assert cache.get("ada", "b") is None
    assert cache.get("ada", "a") is not None


def test_a_model_that_was_read_before_a_change_is_not_kept():
    cache = ModelCache(2)
    generation = cache.generation

    cache.drop("ada", "a")
    cache.put("ada", _model("a"), generation=generation)

    assert cache.get("ada", "a") is None


def test_a_cache_without_capacity_keeps_nothing():
    cache = ModelCache(0)

    cache.put("ada", _model("a"), generation=0)

    assert cache.get("ada", "a") is None


async def test_a_deletion_whose_caller_has_gone_leaves_nothing_in_the_cache(
    store, changes, register, database
):
    model_id = await register()
    await store.get("ada", model_id)
    commits = database.commits
    async with database._committed:  # the commit is done, and its announcement waits
        deleting = asyncio.create_task(changes.delete("ada", model_id))
        while database.commits == commits:  # noqa: ASYNC110 - this very announcement waits
            await asyncio.sleep(0.001)
        deleting.cancel()
        await asyncio.wait({deleting})

    with pytest.raises(NotFound):
        await store.get("ada", model_id)
