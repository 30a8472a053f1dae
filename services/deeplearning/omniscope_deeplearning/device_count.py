"""Whether there are as many devices as a training asks for; counted without torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from omniscope_deeplearning.refusals import refused_as
from omniscope_ml.errors import DataError
from omniscope_service.resources import cpu_count

if TYPE_CHECKING:
    from collections.abc import Collection

    from omniscope.common.v1.resources_pb2 import Resources

_FIELD: Final = "resources"
_DEVICES: Final = Path("/dev")


def check_device_count(devices: int, found: int, what: str) -> None:
    """Refuse a training on more devices than there are.

    Args:
        devices: How many it asks for.
        found: How many there are.
        what: What they are.

    Raises:
        DataError: ACCELERATOR_UNAVAILABLE.
    """
    if devices > found:
        allowed = f"; allowed here is 1 to {found}" if found else ""
        raise DataError(
            f"{_FIELD}.devices is {devices}, and {what} of this worker are {found}{allowed}",
            reason="ACCELERATOR_UNAVAILABLE",
            field=f"{_FIELD}.devices",
        )


def fill_accelerator(resources: Resources, kinds: Collection[str]) -> None:
    """Let a job that takes what there is have a GPU of this machine.

    The registry knows of it only once its worker has announced itself.

    Args:
        resources: What a request asks for; `auto` stays where there is no GPU here.
        kinds: The kinds of jobs that are run on this machine.
    """
    if resources.accelerator == "auto" and "gpu" in kinds:
        resources.accelerator = "gpu"


def check_devices_here(resources: Resources, kinds: Collection[str]) -> None:
    """Refuse to queue what asks for more devices than this machine has.

    Args:
        resources: What a request asks for, filled in.
        kinds: The kinds of jobs that are run on this machine.

    Raises:
        InvalidArgument: ACCELERATOR_UNAVAILABLE.
    """
    kind = "cpu" if resources.accelerator == "auto" else resources.accelerator
    if kind not in kinds:
        return
    found = {"cpu": cpu_count, "gpu": _gpu_count}[kind]()
    with refused_as(_FIELD, _FIELD):
        check_device_count(resources.devices, found, "GPUs" if kind == "gpu" else "processors")


def _gpu_count() -> int:
    """Return how many GPUs have a device file; a worker may see fewer of them."""
    return sum(1 for _ in _DEVICES.glob("nvidia[0-9]*"))
