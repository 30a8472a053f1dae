import pytest
from google.protobuf.any_pb2 import Any

from omniscope.automl.v1.automl_service_pb2 import TrainRequest
from omniscope_registry.projection.fields import key, params


@pytest.mark.parametrize(
    ("text", "fit"),
    [
        ("test_accuracy", "test_accuracy"),
        ("f1 (macro) µ", "f1 _macro_ _"),
        ("../../etc", "etc"),
        ("a//b/../c/", "a/b/c"),
        ("", "_"),
        ("x" * 300, "x" * 250),
    ],
)
def test_keys_are_made_fit(text, fit):
    assert key(text) == fit


def test_a_request_becomes_flat_text_without_its_type():
    request = TrainRequest(dataset_id="d", target_column="t", feature_columns=["a", "b"])
    request.split.seed = 7
    config = Any()
    config.Pack(request)

    assert params(config) == {
        "dataset_id": "d",
        "target_column": "t",
        "feature_columns": '["a", "b"]',
        "split.seed": "7",
    }


def test_long_values_are_cut_to_what_mlflow_takes():
    config = Any()
    config.Pack(TrainRequest(feature_columns=[f"gene{number}" for number in range(2000)]))

    assert len(params(config)["feature_columns"]) == 6000
