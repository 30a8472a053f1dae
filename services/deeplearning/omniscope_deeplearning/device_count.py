"""Whether there are as many devices as a training asks for; told without torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from omniscope_deeplearning.refusals import refused_as
from omniscope_ml.errors import DataError
from omniscope_ml.resources import cpu_count

if TYPE_CHECKING:
    from collections.abc import Collection

    from omniscope.common.v1.resources_pb2 import Resources
    from omniscope_deeplearning.spec import Accelerator

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
        raise DataError(
            f"{_FIELD}.devices is {devices}, and {what} of this worker are {found}; allowed here "
            f"is 1 to {found}",
            reason="ACCELERATOR_UNAVAILABLE",
            field=f"{_FIELD}.devices",
        )


def check_devices_here(resources: Resources, kinds: Collection[Accelerator]) -> None:
    """Refuse to queue what asks for more devices than this machine has.

    Args:
        resources: What a request asks for, filled in.
        kinds: The kinds of jobs that are run on this machine.

    Raises:
        InvalidArgument: ACCELERATOR_UNAVAILABLE.
    """
    kind = resources.accelerator
    if kind == "auto":
        kind = "gpu" if "gpu" in kinds else "cpu"
    if kind not in kinds:
        return
    found = {"cpu": cpu_count, "gpu": _gpu_count}[kind]()
    with refused_as(_FIELD, _FIELD):
        check_device_count(resources.devices, found, "GPUs" if kind == "gpu" else "processors")


def _gpu_count() -> int:
    """Return how many GPUs have a device file; a worker may see fewer of them."""
    return sum(1 for _ in _DEVICES.glob("nvidia[0-9]*"))
