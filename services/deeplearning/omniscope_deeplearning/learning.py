"""How a request wants its network to learn, and on what."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from omniscope_deeplearning.options import FIELD, OFF_AT_ZERO, RANGES, TrainingOptions
from omniscope_deeplearning.refusals import refused_as
from omniscope_service.errors import InvalidArgument
from omniscope_training.allowed import FIELD_INVALID, require_in, require_known

if TYPE_CHECKING:
    from omniscope.deeplearning.v1 import training_pb2
    from omniscope.deeplearning.v1.deep_learning_service_pb2 import TrainRequest

DEFAULT_MAX_SECONDS: Final = 86_400
ACCELERATORS: Final = ("auto", "cpu", "gpu")
_DEVICES: Final = (int(RANGES["devices"][0]), int(RANGES["devices"][1]))


def fill_learning(request: TrainRequest) -> None:
    """Fill in every default that does not depend on the table.

    Raises:
        InvalidArgument: An option is not known or out of range, reason FIELD_INVALID.
    """
    _fill_resources(request)
    if not request.training.HasField("max_seconds"):
        request.training.max_seconds = DEFAULT_MAX_SECONDS
    options = chosen_options(request)
    for field in fields(options):
        value = getattr(options, field.name)
        if field.name in OFF_AT_ZERO and value is None:
            value = 0
        if field.name != "devices" and value is not None:
            setattr(request.training, field.name, value)


def chosen_options(request: TrainRequest) -> TrainingOptions:
    """Return how the network is to learn.

    Raises:
        InvalidArgument: FIELD_INVALID.
    """
    with refused_as(FIELD, FIELD):
        return TrainingOptions(**_given(request.training), devices=request.resources.devices)


def check_fits_problem(request: TrainRequest) -> None:
    """Refuse what says something about classes where there are none.

    Args:
        request: With its problem type and options filled in.

    Raises:
        InvalidArgument: FIELD_INVALID.
    """
    if request.problem_type != "regression":
        return
    training = request.training
    for name, off in (("label_smoothing", 0), ("class_weights", "none")):
        value = getattr(training, name)
        if value != off:
            raise InvalidArgument(
                f"{FIELD}.{name} is {value!r}, and regression has no classes; allowed is {off!r}.",
                reason=FIELD_INVALID,
                field=f"{FIELD}.{name}",
            )


def _fill_resources(request: TrainRequest) -> None:
    resources = request.resources
    resources.accelerator = resources.accelerator or "auto"
    require_known(resources.accelerator, ACCELERATORS, "resources.accelerator", FIELD_INVALID)
    if not resources.HasField("devices"):
        resources.devices = 1
    require_in(resources.devices, _DEVICES, "resources.devices", FIELD_INVALID)


def _given(training: training_pb2.TrainingOptions) -> dict[str, Any]:
    given: dict[str, Any] = {field.name: value for field, value in training.ListFields()}
    return {
        name: None if name in OFF_AT_ZERO and value == 0 else value
        for name, value in given.items()
    }
