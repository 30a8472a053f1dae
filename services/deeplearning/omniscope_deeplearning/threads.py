"""How many threads a training computes with."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from omniscope_ml.networks.description import NetworkDescription
from omniscope_ml.networks.size import multiplications
from omniscope_service.resources import cpu_count

# Below so many multiplications a batch, threads wait for each other longer than they compute;
# beside other busy processes several times longer.
_WORTH_SHARING = 5_000_000_000


@contextmanager
def chosen_threads(
    description: NetworkDescription, weights: int, batch_size: int, processes: int
) -> Iterator[None]:
    """Compute with one thread where a batch is little work, else with all of the processors.

    Args:
        description: The network.
        weights: How many weights it has.
        batch_size: Rows of a batch.
        processes: Processes that share the processors.
    """
    little = multiplications(description, weights) * batch_size < _WORTH_SHARING
    before = torch.get_num_threads()
    torch.set_num_threads(1 if little else max(1, cpu_count() // processes))
    try:
        yield
    finally:
        torch.set_num_threads(before)
