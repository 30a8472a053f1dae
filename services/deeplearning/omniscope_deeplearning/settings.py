"""Settings of the deeplearning service."""

from __future__ import annotations

from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from pydantic_settings import SettingsConfigDict

from omniscope_service.settings import JobServiceSettings

if TYPE_CHECKING:
    from omniscope_suite.entry import ResourceClass

# There wherever the driver of an NVIDIA GPU is; asking torch would cost seconds and memory.
_GPU_DEVICE: Final = Path("/dev/nvidia0")
# A torch of this version uses no GPU: jobs for one would be claimed and refused.
_CPU_BUILD: Final = "+cpu"


class DeepLearningSettings(JobServiceSettings):
    """Settings of the service and its worker, read from the environment."""

    model_config = SettingsConfigDict(env_prefix="OMNISCOPE_DEEPLEARNING_")

    listen: str = "127.0.0.1:50053"
    """Where the service answers, host:port."""
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    """Which jobs the process works on. Default, auto: those for a CPU, and where there is a GPU
    that the installed torch can use those for one too, each kind with slots of its own."""

    def usable_classes(self, known: tuple[ResourceClass, ...]) -> tuple[ResourceClass, ...]:
        """Return the kinds of jobs that were chosen, or that this machine suits."""
        if self.accelerator != "auto":
            return (self.accelerator,)
        return tuple(kind for kind in known if kind != "gpu" or _gpu_is_usable())


def _gpu_is_usable() -> bool:
    builds = [found.version for found in distributions(name="torch")]
    return _GPU_DEVICE.exists() and any(not build.endswith(_CPU_BUILD) for build in builds)
