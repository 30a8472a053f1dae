"""Turns the command line's words about networks into the protocol's messages."""

import re
from collections.abc import Iterable, Mapping

import typer

from omniscope.deeplearning.v1.deep_learning_service_pb2 import TrainRequest
from omniscope.deeplearning.v1.training_pb2 import (
    FlatLayout,
    ImageLayout,
    InputLayout,
    SequenceLayout,
)
from omniscope_client.deeplearning import choose_architecture

_LAYOUTS = {
    "sequence": ("STEPSxCHANNELS", re.compile(r"(\d+)(?:x(\d+))?")),
    "image": ("HEIGHTxWIDTHxCHANNELS", re.compile(r"(\d+)x(\d+)(?:x(\d+))?")),
}
_SWITCHES = {"true": True, "yes": True, "false": False, "no": False}


def parameters_from_options(architecture: str, given: Iterable[str]) -> Mapping[str, float | bool]:
    """Return the parameters of an architecture by name.

    Raises:
        typer.BadParameter: The architecture is unknown, or a parameter, or its value is none.
    """
    parameters = dict(_parameter(text) for text in given)
    try:
        choose_architecture(TrainRequest(), architecture, parameters)
    except ValueError as error:
        hint = "--set" if parameters else "--architecture"
        raise typer.BadParameter(f"{error}.", param_hint=hint) from None
    return parameters


def layout_from_option(text: str) -> InputLayout | None:
    """Return the layout that a word like `sequence:10x3` stands for; None for no word.

    Raises:
        typer.BadParameter: It stands for none.
    """
    if not text:
        return None
    if text == "flat":
        return InputLayout(flat=FlatLayout())
    kind, _, sides = text.partition(":")
    if kind not in _LAYOUTS:
        raise _bad_layout(text, "flat, sequence:STEPSxCHANNELS and image:HEIGHTxWIDTHxCHANNELS")
    form, pattern = _LAYOUTS[kind]
    found = pattern.fullmatch(sides)
    if found is None:
        raise _bad_layout(text, f"{kind}:{form}")
    numbers = [int(side) for side in found.groups(default="1")]
    if kind == "sequence":
        return InputLayout(sequence=SequenceLayout(steps=numbers[0], channels=numbers[1]))
    height, width, channels = numbers
    return InputLayout(image=ImageLayout(height=height, width=width, channels=channels))


def _parameter(text: str) -> tuple[str, float | bool]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise typer.BadParameter(f"{text!r} is not NAME=VALUE.", param_hint="--set")
    if value in _SWITCHES:
        return name, _SWITCHES[value]
    try:
        number = float(value)
    except ValueError:
        raise typer.BadParameter(
            f"{name} is {value!r}; allowed are numbers, true and false.", param_hint="--set"
        ) from None
    return name, int(number) if number.is_integer() else number


def _bad_layout(text: str, allowed: str) -> typer.BadParameter:
    return typer.BadParameter(
        f"{text!r} is not known; allowed are {allowed}.", param_hint="--layout"
    )
