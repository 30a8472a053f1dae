"""The comments of the protocol name the defaults and ranges that the code has."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from omniscope.deeplearning.v1.deep_learning_service_pb2 import TrainRequest
from omniscope_deeplearning.options import RANGES, TrainingOptions
from omniscope_ml.networks.architectures import ARCHITECTURES

PROTOS = Path(__file__).parents[3] / "protos" / "omniscope" / "deeplearning" / "v1"
FIELD = re.compile(r"((?:  //[^\n]*\n)+)  (?:optional )?\w+ (\w+) = ")
# Their defaults depend on the rows, or on how long a service lets anybody wait.
DEPENDS = {"batch_size", "weight_decay", "dropout", "max_seconds", "patience", "gradient_clip"}


def comments(file: str, message: str) -> dict[str, str]:
    """Return the comment of each field of a message, on one line."""
    text = (PROTOS / file).read_text()
    body = text.split(f"message {message} {{")[1].split("\n}")[0]
    return {
        name: " ".join(comment.replace("//", "").split()) for comment, name in FIELD.findall(body)
    }


def spelled(value: float) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:.10g}"


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_an_architecture_is_commented_as_it_is(name: str) -> None:
    message = type(getattr(TrainRequest(), name))
    said = comments("architectures.proto", message.DESCRIPTOR.name)

    for parameter in ARCHITECTURES[name].parameters:
        assert f"Default {spelled(parameter.default)}" in said[parameter.name]
        if parameter.type != "bool":
            low, high = spelled(parameter.minimum), spelled(parameter.maximum)
            assert f"ange {low} to {high}" in said[parameter.name]


def test_options_are_commented_as_they_are() -> None:
    said = comments("training.proto", "TrainingOptions")
    options = TrainingOptions()
    defaults = {field.name: getattr(options, field.name) for field in fields(options)}

    for name in said.keys() - DEPENDS:
        if isinstance(defaults[name], int | float):
            assert f"efault {spelled(defaults[name])}" in said[name]
    for name in said.keys() & RANGES.keys() - {"warmup_epochs", "patience"}:
        low, high = (spelled(value) for value in RANGES[name])
        numbers = re.search(r"ange ([\d.e+-]+) to ([\d.e+]*\d)", said[name])
        assert numbers is not None, name
        assert [spelled(float(number)) for number in numbers.groups()] == [low, high], name
