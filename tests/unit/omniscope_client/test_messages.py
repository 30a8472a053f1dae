"""Values that a field cannot hold, from Python and from the command line."""

import json

import pytest

from omniscope.common.v1.split_pb2 import SplitConfig
from omniscope.deeplearning.v1.deep_learning_service_pb2 import TrainRequest
from omniscope.deeplearning.v1.training_pb2 import TrainingOptions
from omniscope_client.client import Client
from omniscope_client.errors import OmniscopeError, RequestError
from omniscope_client.messages import message
from tests.unit.omniscope_client.conftest import Canned

INT32 = "-2147483648 to 2147483647"


def test_a_message_has_the_fields_that_are_given() -> None:
    made = message(TrainingOptions, "training", epochs=5, patience=0, dropout=None)

    assert made == TrainingOptions(epochs=5, patience=0)
    assert not made.HasField("dropout")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"seed": 2**70}, f"seed is {2**70}; its field holds whole numbers from {INT32}."),
        ({"seed": "one"}, f"seed is 'one'; its field holds whole numbers from {INT32}."),
        ({"model_name": 3}, "model_name is 3; its field holds text."),
        ({"validate_only": 7}, "validate_only is 7; its field holds true and false."),
        ({"tags": {"a": 1}}, "tags is {'a': 1}; its field holds texts by name."),
        ({"split": 0.2}, "split is 0.2; its field holds a SplitConfig."),
    ],
)
def test_what_a_field_cannot_hold_is_named_with_what_it_holds(fields, said: str) -> None:
    with pytest.raises(RequestError) as raised:
        message(TrainRequest, dataset_id="d", **fields)

    (name,) = fields
    assert raised.value.message == said
    assert (raised.value.field, raised.value.reason) == (name, "FIELD_INVALID")


def test_a_part_of_a_request_is_named_by_its_path() -> None:
    with pytest.raises(RequestError, match=r"^split\.seed is 4294967296"):
        message(SplitConfig, "split", seed=2**32)


@pytest.mark.parametrize("service", ["automl", "deeplearning"])
def test_a_number_that_is_too_great_is_the_clients_own_error(
    client: Client, canned: Canned, service: str
) -> None:
    with pytest.raises(OmniscopeError, match="seed is 1180591620717411303424"):
        getattr(client, service).train("tissues", "tissue", seed=2**70)

    assert "Train" not in canned.requests


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--seed", "99999999999999999999"), "--seed is 99999999999999999999"),
        (("--epochs", "3000000000"), "--epochs is 3000000000"),
        (("--warmup", "3000000000"), "--warmup is 3000000000"),
        (("--select", "9999999999"), "--select is 9999999999"),
        (("--split-seed", "9999999999"), "--split-seed is 9999999999"),
        (("--deadline", "9999999999"), "--deadline is 9999999999"),
        (("--devices", "9999999999"), "--devices is 9999999999"),
        (("--layout", "image:99999999999x8x1"), "input_layout.image.height is 99999999999"),
    ],
)
def test_a_number_that_is_too_great_is_wrong_usage_of_its_option(
    omniscope, canned: Canned, option: tuple[str, str], said: str
) -> None:
    outcome = omniscope("deeplearning", "train", "t", "--target", "x", *option)

    assert outcome.code == 2
    assert outcome.err.startswith(f"error: {said}; its field holds whole numbers from {INT32}.")
    assert "Train" not in canned.requests


def test_for_programs_the_error_names_the_field_of_the_api(omniscope) -> None:
    outcome = omniscope(
        "deeplearning", "train", "t", "--target", "x", "--epochs", "3000000000", "--json"
    )

    error = json.loads(outcome.err)["error"]
    assert outcome.code == 2
    assert (error["field"], error["reason"]) == ("training.epochs", "FIELD_INVALID")
    assert error["message"].startswith("training.epochs is 3000000000")
