"""Whether the machine that trains can hold the network that a request asks for."""

import torch

from omniscope_deeplearning.fit import described
from omniscope_deeplearning.prepared import PreparedTable
from omniscope_deeplearning.request_fields import renamed_field
from omniscope_deeplearning.spec import TrainSpec
from omniscope_ml.networks.parameters import FIELD as PARAMETERS
from omniscope_ml.networks.size import check_trainable
from omniscope_service.resources import memory_size_bytes


def check_capacity(spec: TrainSpec, prepared: PreparedTable) -> None:
    """Refuse a network that does not fit into memory before anything is filled with it.

    Raises:
        DataError: FIELD_INVALID, naming the width; those of `described`.
    """
    description = described(spec, prepared)
    with renamed_field(spec.architecture, PARAMETERS):
        check_trainable(description, _memory_bytes(spec))


def _memory_bytes(spec: TrainSpec) -> int:
    """Return the memory of each process that trains."""
    if spec.accelerator == "gpu":
        return int(torch.cuda.get_device_properties(0).total_memory)
    return memory_size_bytes() // spec.training.devices
