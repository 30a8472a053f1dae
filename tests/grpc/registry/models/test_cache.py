from omniscope.common.v1.model_pb2 import Model
from omniscope_registry.models.cache import ModelCache


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
