import pytest
from google.protobuf.any_pb2 import Any

from omniscope.automl.v1.automl_service_pb2 import TrainRequest
from omniscope.deeplearning.v1.deep_learning_service_pb2 import TrainRequest as NetworkRequest
from omniscope_registry.training_config import (
    config_from_json,
    config_to_json,
    flatten,
    hyperparameters,
)
from omniscope_service.errors import InvalidArgument


def _packed(**fields):
    config = Any()
    config.Pack(TrainRequest(**fields))
    return config


def test_a_request_survives_the_way_to_json_and_back():
    config = _packed(dataset_id="d", target_column="t", time_limit=0, tags={"a": "b"})

    values = config_to_json(config)

    assert values["@type"].endswith("/omniscope.automl.v1.TrainRequest")
    assert values["time_limit"] == 0
    assert config_from_json(values) == config


def test_hyperparameters_leave_out_data_and_names():
    values = config_to_json(_packed(dataset_id="d", target_column="t", quality="best", seed=3))

    assert hyperparameters(values) == {"quality": "best", "seed": 3}


def test_what_every_training_may_ask_of_its_job_is_no_hyperparameter():
    values = config_to_json(_packed(dataset_id="d", target_column="t", deadline_seconds=60))

    assert hyperparameters(values) == {}


def test_what_a_network_runs_on_is_no_hyperparameter_and_how_it_learns_is():
    request = NetworkRequest(dataset_id="d")
    request.feature_selection.top_k = 5
    request.resources.accelerator = "gpu"
    request.mlp.depth = 2
    request.training.epochs = 3
    config = Any()
    config.Pack(request)

    assert hyperparameters(config_to_json(config)) == {
        "feature_selection": {"top_k": 5},
        "mlp": {"depth": 2},
        "training": {"epochs": 3},
    }


def test_nested_values_are_flattened_by_dots():
    assert flatten({"a": {"b": 1, "c": {"d": []}}, "e": 2}) == {"a.b": 1, "a.c.d": [], "e": 2}


@pytest.mark.parametrize(
    ("type_url", "value"),
    [
        ("", b""),
        ("type.googleapis.com/omniscope.automl.v1.Nothing", b""),
        ("type.googleapis.com/omniscope.nothing.v1.Train", b""),
        ("type.googleapis.com/elsewhere.Thing", b""),
        ("type.googleapis.com/omniscope.automl.v1.TrainRequest", b"\xff"),
    ],
)
def test_a_type_that_nobody_knows_is_refused(type_url, value):
    with pytest.raises(InvalidArgument) as caught:
        config_to_json(Any(type_url=type_url, value=value))

    assert caught.value.reason == "CONFIG_TYPE_UNKNOWN"
