"""The table of architectures, and the check of what is chosen."""

import subprocess
import sys

import pytest

from omniscope_ml.errors import DataError
from omniscope_ml.networks.architectures import ARCHITECTURES, find_architecture


def test_defaults_are_within_their_ranges():
    for architecture in ARCHITECTURES.values():
        chosen = architecture.resolved_parameters({})

        assert chosen == {p.name: p.default for p in architecture.parameters}


def test_choices_replace_defaults():
    chosen = find_architecture("transformer").resolved_parameters({"width": 32, "heads": 8.0})

    assert (chosen["width"], chosen["heads"], chosen["depth"]) == (32, 8, 2)


@pytest.mark.parametrize(
    ("name", "given", "field"),
    [
        ("transformer", {"width": 64, "heads": 5}, "parameters.heads"),
        ("mlp", {"heads": 4}, "parameters.heads"),
        ("mlp", {"width": 1.5}, "parameters.width"),
        ("mlp", {"depth": 0}, "parameters.depth"),
        ("mlp", {"input_dropout": float("nan")}, "parameters.input_dropout"),
        ("mlp", {"depth": True}, "parameters.depth"),
        ("gru", {"bidirectional": 1}, "parameters.bidirectional"),
    ],
)
def test_a_choice_that_is_not_allowed_is_refused_by_its_path(name, given, field):
    with pytest.raises(DataError) as refused:
        find_architecture(name).resolved_parameters(given)

    assert refused.value.reason == "FIELD_INVALID"
    assert refused.value.field == field


def test_an_unknown_architecture_is_refused_with_those_that_there_are():
    with pytest.raises(DataError, match="there are mlp, cnn1d") as refused:
        find_architecture("perceptron")

    assert refused.value.reason == "ARCHITECTURE_UNKNOWN"


def test_the_table_is_read_without_torch():
    code = (
        "import sys, omniscope_ml.networks.architectures, omniscope_ml.networks.description;"
        "sys.exit('torch' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
