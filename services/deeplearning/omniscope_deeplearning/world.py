"""The processes that train one network together, each on a share of every batch."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class World:
    """A process among those that train together.

    Attributes:
        rank: Its number, from 0; rank 0 reports, measures and writes.
        size: How many there are.
    """

    rank: int = 0
    size: int = 1

    @property
    def is_rank_zero(self) -> bool:
        """Whether this process reports and writes."""
        return self.rank == 0

    def shard(self, rows: int) -> slice:
        """Return the rows of a batch that this rank computes.

        A batch with fewer rows than processes goes to all: its gradients are then means of equals.
        """
        return slice(None) if rows < self.size else slice(self.rank, None, self.size)

    def data_parallel(self, network: nn.Module) -> nn.Module:
        """Return the network with gradients that are means over all processes."""
        if self.size == 1:
            return network
        return nn.parallel.DistributedDataParallel(network)

    def loss_scale(self, rows: int) -> float:
        """Return the factor of a shard's loss, which is a sum over the batch's weight.

        Gradients are means over processes, and a batch's loss is a sum over their shares.
        """
        return 1.0 if rows < self.size else float(self.size)

    def all_reduce(self, values: Tensor) -> Tensor:
        """Return the sum of every process's values."""
        if self.size > 1:
            torch.distributed.all_reduce(values)
        return values

    def broadcast(self, value: float) -> float:
        """Return rank 0's value, so that all take the same decision."""
        if self.size == 1:
            return value
        shared = torch.tensor([value], dtype=torch.float64)
        torch.distributed.broadcast(shared, src=0)
        return float(shared)
