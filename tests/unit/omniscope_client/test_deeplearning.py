"""Trainings of networks, from Python and from the command line."""

import pytest

from omniscope.deeplearning.v1.deep_learning_service_pb2 import TrainRequest
from omniscope_client.client import Client
from tests.unit.omniscope_client.conftest import Canned


def test_every_option_of_a_network_reaches_the_request(omniscope, canned: Canned) -> None:
    outcome = omniscope(
        *("deeplearning", "train", "tissues", "--target", "tissue", "--feature", "A"),
        *("--architecture", "transformer", "--set", "heads=8", "--set", "width=64"),
        *("--layout", "sequence:10x3", "--accelerator", "gpu", "--devices", "2"),
        *("--epochs", "5", "--batch-size", "16", "--optimizer", "sgd", "--learning-rate", "0.1"),
        *("--schedule", "none", "--patience", "0", "--class-weights", "balanced"),
        *("--min-improvement", "0.25", "--checkpoint-minutes", "0.5", "--no-deterministic"),
        *("--missing-values", "refuse", "--scaling", "robust", "--log1p", "--max-seconds", "60"),
        *("--imputation", "constant", "--indicators", "--encoding", "refuse"),
        *("--validation-fraction", "0.3", "--seed", "0", "--name", "n", "--tag", "a=b"),
    )

    (request,) = canned.requests["Train"]
    assert outcome.code == 0
    assert isinstance(request, TrainRequest)
    assert (request.dataset_id, request.target_column) == ("tissues", "tissue")
    assert (request.transformer.heads, request.transformer.width) == (8, 64)
    assert not request.transformer.HasField("depth")
    assert (request.input_layout.sequence.steps, request.input_layout.sequence.channels) == (10, 3)
    assert (request.resources.accelerator, request.resources.devices) == ("gpu", 2)
    training = request.training
    assert (training.epochs, training.batch_size, training.max_seconds) == (5, 16, 60)
    assert (training.optimizer, training.schedule) == ("sgd", "none")
    assert training.learning_rate == pytest.approx(0.1)
    assert training.class_weights == "balanced"
    assert training.HasField("patience")
    assert (training.min_improvement, training.checkpoint_minutes) == (0.25, 0.5)
    assert training.HasField("deterministic")
    assert not training.deterministic
    assert (request.preprocessing.missing_values, request.preprocessing.scaling) == (
        "refuse",
        "robust",
    )
    assert request.preprocessing.log1p
    assert request.preprocessing.indicators
    assert (request.preprocessing.imputation, request.preprocessing.encoding) == (
        "constant",
        "refuse",
    )
    assert request.split.validation_fraction == pytest.approx(0.3)
    assert request.HasField("seed")
    assert (request.model_name, dict(request.tags)) == ("n", {"a": "b"})


def test_what_is_not_given_is_left_to_the_service(omniscope, canned: Canned) -> None:
    omniscope("deeplearning", "train", "tissues", "--target", "tissue")

    (request,) = canned.requests["Train"]
    assert request.WhichOneof("architecture") == "mlp"
    assert not request.mlp.ListFields()
    assert not request.training.ListFields()
    assert not request.HasField("input_layout")
    assert request.request_id


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--architecture", "resnet"), "cnn1d"),
        (("--architecture", "gru", "--set", "heads=2"), "'heads'"),
        (("--set", "width"), "NAME=VALUE"),
        (("--set", "width=wide"), "'wide'"),
        (("--set", "width=1.5"), "1.5"),
        (("--layout", "cube:3"), "sequence:STEPSxCHANNELS"),
        (("--layout", "image:3"), "image:HEIGHTxWIDTHxCHANNELS"),
    ],
)
def test_what_is_no_network_is_wrong_usage(
    omniscope, canned: Canned, options: tuple[str, ...], said: str
) -> None:
    outcome = omniscope("deeplearning", "train", "t", "--target", "x", *options)

    assert outcome.code == 2
    assert said in outcome.err
    assert "Train" not in canned.requests


def test_architectures_are_listed_with_their_ranges(omniscope) -> None:
    out = omniscope("deeplearning", "architectures").out

    assert "transformer" in out
    assert "1 to 64" in out
    assert "false, true" in out


def test_a_network_is_asked_for_by_name_and_parameters(client: Client, canned: Canned) -> None:
    client.deeplearning.train(
        "tissues", "tissue", architecture="lstm", parameters={"depth": 2, "bidirectional": False}
    )

    (request,) = canned.requests["Train"]
    assert (request.lstm.depth, request.lstm.bidirectional) == (2, False)
    assert request.lstm.HasField("bidirectional")


def test_an_unknown_network_is_an_error_that_names_the_known(client: Client) -> None:
    with pytest.raises(ValueError, match="there are mlp, cnn1d"):
        client.deeplearning.train("tissues", "tissue", architecture="resnet")
