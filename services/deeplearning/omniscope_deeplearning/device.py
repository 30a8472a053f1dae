"""What a training computes on: its job's class decides, not what the machine happens to have."""

import torch

from omniscope_deeplearning.spec import TrainSpec
from omniscope_deeplearning.world import World
from omniscope_ml.errors import DataError


def check_devices(spec: TrainSpec) -> None:
    """Refuse a job for GPUs that this machine does not have: it would train for days without them.

    Raises:
        DataError: ACCELERATOR_UNAVAILABLE.
    """
    if spec.accelerator == "cpu":
        return
    found, wanted = torch.cuda.device_count(), spec.training.devices
    if not found:
        raise _unavailable(
            f"the job is for a GPU, and torch {torch.__version__} sees none on this worker; "
            "allowed here is resources.accelerator 'cpu'",
            "resources.accelerator",
        )
    if wanted > found:
        raise _unavailable(
            f"resources.devices is {wanted}, and GPUs of this worker are {found}; allowed here is "
            f"1 to {found}",
            "resources.devices",
        )


def training_device(spec: TrainSpec, world: World) -> torch.device:
    """Return the GPU of this process, or the processors where the job is for them."""
    if spec.accelerator == "cpu":
        return torch.device("cpu")
    return torch.device("cuda", world.rank)


def _unavailable(message: str, field: str) -> DataError:
    return DataError(message, reason="ACCELERATOR_UNAVAILABLE", field=field)
