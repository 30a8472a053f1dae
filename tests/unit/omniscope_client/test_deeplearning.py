"""Trainings of networks, from Python and from the command line."""

import io

import pytest
from rich.console import Console

from omniscope.deeplearning.v1.deep_learning_service_pb2 import (
    Architecture,
    ArchitectureParameter,
    ListArchitecturesResponse,
    TrainRequest,
)
from omniscope_client.client import Client
from omniscope_client.errors import OmniscopeError
from omniscope_client.render.networks import architectures
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


@pytest.mark.parametrize(
    ("parameter", "said"),
    [
        ("heads=two", "transformer.heads is 'two'; allowed are whole numbers from 1 to 64."),
        ("heads=2.5", "transformer.heads is 2.5; allowed are whole numbers from 1 to 64."),
        ("heads=3000000000", "heads is 3000000000; allowed are whole numbers from 1 to 64."),
        ("layers=2", "transformer has no parameter 'layers'; it has width, depth"),
    ],
)
def test_a_wrong_parameter_is_told_what_the_service_allows(
    omniscope, canned: Canned, parameter: str, said: str
) -> None:
    outcome = omniscope(
        *("deeplearning", "train", "t", "--target", "x"),
        *("--architecture", "transformer", "--set", parameter),
    )

    assert outcome.code == 2
    assert said in " ".join(outcome.err.replace("│", " ").split())
    assert "Train" not in canned.requests


def test_a_switch_takes_no_other_number(client: Client, canned: Canned) -> None:
    with pytest.raises(OmniscopeError, match=r"gru\.bidirectional is 3; .* true and false"):
        client.deeplearning.train("t", "x", architecture="gru", parameters={"bidirectional": 3})

    assert "Train" not in canned.requests


def test_architectures_are_listed_with_their_ranges(omniscope) -> None:
    out = omniscope("deeplearning", "architectures").out

    assert "transformer" in out
    assert "1 to 64" in out
    assert "false, true" in out


@pytest.mark.parametrize("width", [60, 80, 120])
def test_architectures_are_blocks_whose_words_stay_whole(width: int) -> None:
    row = Architecture(
        name="gru",
        description="Gated recurrent units, pooled by attention.",
        suited_for="Time series and other ordered columns.",
        layouts=["sequence"],
        parameters=[
            ArchitectureParameter(
                name="bidirectional",
                description="Whether steps are read from both ends.",
                type="bool",
                default_value=1,
                maximum=1,
            )
        ],
    )
    console = Console(file=io.StringIO(), width=width, markup=False)
    console.print(architectures(ListArchitecturesResponse(architectures=[row])))
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()

    assert lines[0] == "gru  reads sequence"
    assert lines[1].startswith("  Gated recurrent units")
    (parameter,) = (line for line in lines if "bidirectional" in line)
    assert "false, true" in parameter
    assert "default true" in parameter
    assert set(row.parameters[0].description.split()) <= set(" ".join(lines).split())


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


def test_how_columns_become_numbers_has_a_heading_of_its_own(omniscope) -> None:
    out = omniscope("deeplearning", "train", "--help").out

    start = out.index("─ Preprocessing ─")
    assert "--scaling" in out[start : out.index("╰", start)]
