"""Turns the command line's words about networks into the protocol's messages."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import typer

from omniscope.deeplearning.v1.deep_learning_service_pb2 import (
    ListArchitecturesResponse,
    TrainRequest,
)
from omniscope.deeplearning.v1.training_pb2 import (
    FlatLayout,
    ImageLayout,
    InputLayout,
    SequenceLayout,
)
from omniscope_client.deeplearning import choose_architecture
from omniscope_client.errors import RequestError
from omniscope_client.messages import message
from omniscope_client.render.networks import allowed

_LAYOUTS = {
    "sequence": ("STEPSxCHANNELS", re.compile(r"(?P<steps>\d+)(?:x(?P<channels>\d+))?")),
    "image": (
        "HEIGHTxWIDTHxCHANNELS",
        re.compile(r"(?P<height>\d+)x(?P<width>\d+)(?:x(?P<channels>\d+))?"),
    ),
}
_SWITCHES = {"true": True, "yes": True, "false": False, "no": False}


def parameters_from_options(
    architecture: str,
    given: Iterable[str],
    known: Callable[[], ListArchitecturesResponse],
) -> Mapping[str, float | bool]:
    """Return the parameters of an architecture by name.

    Args:
        architecture: Its name.
        given: NAME=VALUE for each.
        known: Asks the service what is allowed; called only to say it in an error.

    Raises:
        typer.BadParameter: The architecture is unknown, or a parameter, or its value is none.
    """
    parameters = dict(_parameter(text) for text in given)
    try:
        choose_architecture(TrainRequest(), architecture, parameters)
    except RequestError as error:
        hint = "--set" if parameters else "--architecture"
        says = _with_range(error, known())
        raise typer.BadParameter(says, param_hint=hint) from None
    return parameters


def _with_range(error: RequestError, known: ListArchitecturesResponse) -> str:
    """Return what an error says, with what the service allows where it knows the parameter."""
    for network in known.architectures:
        for parameter in network.parameters:
            if error.field == f"{network.name}.{parameter.name}":
                return f"{error.message.partition(';')[0]}; allowed are {allowed(parameter)}."
    return error.message


def layout_from_option(text: str) -> InputLayout | None:
    """Return the layout that a word like `sequence:10x3` stands for; None for no word.

    Raises:
        typer.BadParameter: It stands for none.
        RequestError: A side is greater than its field holds.
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
    numbers = {side: int(digits) for side, digits in found.groupdict(default="1").items()}
    shape = SequenceLayout if kind == "sequence" else ImageLayout
    return message(InputLayout, **{kind: message(shape, f"input_layout.{kind}", **numbers)})


def _parameter(text: str) -> tuple[str, Any]:
    """Return name and value; what is neither number nor switch stays text, which none takes."""
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise typer.BadParameter(f"{text!r} is not NAME=VALUE.", param_hint="--set")
    if value in _SWITCHES:
        return name, _SWITCHES[value]
    try:
        number = float(value)
    except ValueError:
        return name, value
    return name, int(number) if number.is_integer() else number


def _bad_layout(text: str, allowed: str) -> typer.BadParameter:
    return typer.BadParameter(
        f"{text!r} is not known; allowed are {allowed}.", param_hint="--layout"
    )
