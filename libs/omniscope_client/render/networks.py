"""The networks that there are, with what may be chosen about each."""

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from omniscope.deeplearning.v1.deep_learning_service_pb2 import (
    Architecture,
    ArchitectureParameter,
    ListArchitecturesResponse,
)

INDENT = 2
_KINDS = {"int": "whole numbers", "float": "numbers"}


def architectures(answer: ListArchitecturesResponse) -> Group:
    """Return the networks, each with what it is and a line per parameter."""
    return Group(*(_architecture(row) for row in answer.architectures))


def allowed(parameter: ArchitectureParameter) -> str:
    """Return what a parameter may be, for an error.

    >>> allowed(ArchitectureParameter(type="int", minimum=1, maximum=64))
    'whole numbers from 1 to 64'
    """
    if parameter.type == "bool":
        return "true and false"
    low, high = (_value(parameter, limit) for limit in (parameter.minimum, parameter.maximum))
    return f"{_KINDS[parameter.type]} from {low} to {high}"


def _architecture(row: Architecture) -> Group:
    name = f"{row.name} (default)" if row.default_architecture else row.name
    meaning = f"{row.description} For: {row.suited_for}"
    return Group(
        Text.assemble((name, "bold"), (f"  reads {', '.join(row.layouts)}", "dim")),
        Padding(Text(meaning), (0, 0, 0, INDENT)),
        Padding(_parameters(row), (0, 0, 1, INDENT)),
    )


def _parameters(row: Architecture) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for _ in ("name", "range", "default"):
        table.add_column(no_wrap=True)
    table.add_column()
    for parameter in row.parameters:
        table.add_row(
            Text(parameter.name, "cyan"),
            _range(parameter),
            f"default {_value(parameter, parameter.default_value)}",
            parameter.description,
        )
    return table


def _range(parameter: ArchitectureParameter) -> str:
    low, high = (_value(parameter, limit) for limit in (parameter.minimum, parameter.maximum))
    return f"{low}, {high}" if parameter.type == "bool" else f"{low} to {high}"


def _value(parameter: ArchitectureParameter, value: float) -> str:
    return str(bool(value)).lower() if parameter.type == "bool" else f"{value:g}"
