"""Residual convolutions over steps (Wang et al. 2017, https://arxiv.org/abs/1611.06455).

NOTE(deviation): group normalisation instead of batch normalisation, so that small batches,
several devices and prediction see the same network; the mean and the maximum over all steps.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from omniscope_ml.networks.blocks import groups_of
from omniscope_ml.networks.layout import InputLayout
from omniscope_ml.networks.parameters import Value

# Longer inputs are shortened by the first convolution.
_MOST_STEPS = 128


class _Block(nn.Module):
    """Two convolutions and a way past them. Shape: (rows, width, steps) in and out."""

    def __init__(self, width: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(width, width, kernel, padding=kernel // 2, bias=False),
            nn.GroupNorm(groups_of(width), width),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Conv1d(width, width, 3, padding=1, bias=False),
            nn.GroupNorm(groups_of(width), width),
        )

    def forward(self, steps: Tensor) -> Tensor:
        return torch.relu(steps + self.layers(steps))


class Cnn1d(nn.Module):
    """Residual convolutions over steps.

    Shape:
        Input (rows, channels, steps). Output (rows, outputs).
    """

    def __init__(
        self,
        layout: InputLayout,
        columns: int,
        outputs: int,
        parameters: Mapping[str, Value],
        dropout: float,
    ) -> None:
        super().__init__()
        width, kernel = int(parameters["width"]), int(parameters["kernel"]) | 1
        stride = math.ceil(layout.steps / _MOST_STEPS)
        first = max(kernel, 2 * stride - 1)
        self.stem = nn.Sequential(
            nn.Conv1d(layout.channels, width, first, stride, first // 2, bias=False),
            nn.GroupNorm(groups_of(width), width),
            nn.ReLU(),
        )
        blocks = (_Block(width, kernel, dropout) for _ in range(int(parameters["depth"])))
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * width, outputs))

    def forward(self, steps: Tensor) -> Tensor:
        """Return the outputs of rows."""
        found = self.blocks(self.stem(steps))
        return self.head(torch.cat([found.mean(dim=2), found.amax(dim=2)], dim=1))
