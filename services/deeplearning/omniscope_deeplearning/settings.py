"""Settings of the deeplearning service."""

from __future__ import annotations

from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field

from omniscope_service.settings import ServiceSettings

if TYPE_CHECKING:
    from omniscope_deeplearning.spec import Accelerator

_PREFIX: Final = "OMNISCOPE_DEEPLEARNING_"
# There wherever the driver of an NVIDIA GPU is; asking torch would cost seconds and memory.
_GPU_DEVICE: Final = Path("/dev/nvidia0")
# A torch of this version uses no GPU: jobs for one would be claimed and refused.
_CPU_BUILD: Final = "+cpu"


class DeepLearningSettings(ServiceSettings):
    """Settings of the service and its worker, read from the environment."""

    listen: str = Field(default="127.0.0.1:50053", validation_alias=f"{_PREFIX}LISTEN")
    """Where the service answers, host:port."""
    slots: int = Field(default=1, ge=1, le=64, validation_alias=f"{_PREFIX}SLOTS")
    """Trainings that a worker runs at a time."""
    accelerator: Literal["auto", "cpu", "gpu"] = Field(
        default="auto", validation_alias=f"{_PREFIX}ACCELERATOR"
    )
    """Which jobs the process works on. Default, auto: those for a CPU, and where there is a GPU
    that the installed torch can use those for one too, each kind with slots of its own."""
    child_memory_bytes: int = Field(
        default=0, ge=0, validation_alias=f"{_PREFIX}CHILD_MEMORY_BYTES"
    )
    """A training that holds more is ended. Default, 0: 85 % of what the container or the machine
    has, divided by the slots."""

    @property
    def resource_classes(self) -> tuple[Accelerator, ...]:
        """The kinds of jobs that the process works on."""
        if self.accelerator != "auto":
            return (self.accelerator,)
        return ("cpu", "gpu") if _gpu_is_usable() else ("cpu",)


def _gpu_is_usable() -> bool:
    builds = [found.version for found in distributions(name="torch")]
    return _GPU_DEVICE.exists() and any(not build.endswith(_CPU_BUILD) for build in builds)
