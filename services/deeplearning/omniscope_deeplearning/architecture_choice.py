"""Which network a request asks for: its parameters, and the shape that it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from omniscope_deeplearning.refusals import refused_as
from omniscope_ml.networks.architectures import ARCHITECTURES
from omniscope_ml.networks.layout import FIELD as LAYOUT
from omniscope_ml.networks.layout import InputLayout, fitted_layout
from omniscope_ml.networks.parameters import FIELD as PARAMETERS
from omniscope_service.errors import InvalidArgument

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from omniscope.deeplearning.v1.deep_learning_service_pb2 import TrainRequest

DEFAULT_ARCHITECTURE: Final = "mlp"


def fill_architecture(request: TrainRequest) -> None:
    """Fill in the architecture and every parameter of it.

    Raises:
        InvalidArgument: A parameter is out of range, reason FIELD_INVALID.
    """
    name = chosen_architecture(request)
    network = getattr(request, name)
    with refused_as(name, PARAMETERS):
        resolved = ARCHITECTURES[name].resolved_parameters(chosen_parameters(network))
    for parameter, value in resolved.items():
        setattr(network, parameter, value)


def fill_layout(request: TrainRequest) -> None:
    """Fill in what a layout leaves open.

    Raises:
        InvalidArgument: FIELD_INVALID, or LAYOUT_MISMATCH where the architecture reads another.
    """
    kind = request.input_layout.WhichOneof("shape")
    if kind is None:
        return
    if kind != "flat":
        shape = getattr(request.input_layout, kind)
        shape.channels = shape.channels or 1
        shape.order = shape.order or "channels_first"
    name = chosen_architecture(request)
    if kind not in ARCHITECTURES[name].layouts:
        raise InvalidArgument(
            f"{LAYOUT}.{kind} is set, and {name} reads {', '.join(ARCHITECTURES[name].layouts)}.",
            reason="LAYOUT_MISMATCH",
            field=f"{LAYOUT}.{kind}",
        )
    chosen_layout(request)  # refuses sides out of range


def chosen_architecture(request: TrainRequest) -> str:
    """Return the name of the network that a request asks for."""
    return request.WhichOneof("architecture") or DEFAULT_ARCHITECTURE


def chosen_parameters(network: Message) -> dict[str, Any]:
    """Return the parameters that were set, by name."""
    return {field.name: value for field, value in network.ListFields()}


def chosen_layout(request: TrainRequest) -> InputLayout:
    """Return the layout that a request asks for; `auto` where it asks for none.

    Raises:
        InvalidArgument: FIELD_INVALID.
    """
    kind = request.input_layout.WhichOneof("shape")
    if kind is None:
        return InputLayout()
    shape = getattr(request.input_layout, kind)
    sides = {field.name: value for field, value in shape.ListFields()}
    with refused_as(f"{LAYOUT}.{kind}", LAYOUT):
        return InputLayout(kind=kind, **sides)


def check_layout(request: TrainRequest, columns: range) -> None:
    """Refuse a layout that cannot have as many values as a row.

    Args:
        request: With its layout filled in.
        columns: How many values preprocessing can give for each row.

    Raises:
        InvalidArgument: LAYOUT_MISMATCH.
    """
    name, layout = chosen_architecture(request), chosen_layout(request)
    if len(columns) == 1:
        with refused_as(f"{LAYOUT}.{layout.kind}", LAYOUT):
            fitted_layout(layout, columns[0], name, ARCHITECTURES[name].layouts)
    elif layout.size is not None and layout.size not in columns:
        raise _never_fits(request, layout.size, columns)


def _never_fits(request: TrainRequest, size: int, columns: range) -> InvalidArgument:
    kind = request.input_layout.WhichOneof("shape")
    assert kind is not None
    first_side = getattr(request.input_layout, kind).DESCRIPTOR.fields[0].name
    return InvalidArgument(
        f"{LAYOUT}.{kind} holds {size} values; the features give {columns[0]} to {columns[-1]} "
        "columns (a text column gives one for each category of the training rows and one for all "
        "others, an indicator of missing values one more).",
        reason="LAYOUT_MISMATCH",
        field=f"{LAYOUT}.{kind}.{first_side}",
    )
