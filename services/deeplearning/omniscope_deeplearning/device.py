"""The device of a training: its job's class decides, not what the machine happens to have."""

import torch

from omniscope_deeplearning.device_count import check_device_count
from omniscope_deeplearning.spec import TrainSpec
from omniscope_deeplearning.world import World
from omniscope_ml.errors import DataError
from omniscope_service.resources import cpu_count


def check_devices(spec: TrainSpec) -> None:
    """Refuse a job for what this machine does not have: it would train for days without.

    Raises:
        DataError: ACCELERATOR_UNAVAILABLE.
    """
    if spec.accelerator == "cpu":
        found, what = cpu_count(), "processors"
    else:
        found, what = torch.cuda.device_count(), "GPUs"
    if not found:
        raise DataError(
            f"the job is for a GPU, and torch {torch.__version__} sees none on this worker; "
            "allowed here is resources.accelerator 'cpu'",
            reason="ACCELERATOR_UNAVAILABLE",
            field="resources.accelerator",
        )
    check_device_count(spec.training.devices, found, what)


def training_device(spec: TrainSpec, world: World) -> torch.device:
    """Return the GPU of this process, or the processors where the job is for them."""
    if spec.accelerator == "cpu":
        return torch.device("cpu")
    return torch.device("cuda", world.rank)
