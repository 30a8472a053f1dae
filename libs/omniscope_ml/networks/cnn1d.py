"""Residual convolutions over steps (Wang et al. 2017, https://arxiv.org/abs/1611.06455).

NOTE(deviation): group normalisation instead of batch normalisation, so that small batches,
several devices and prediction see the same network. Beside the maximum over all steps there are
means over eight parts of them: where a peak lies in a spectrum says what it is. Differences of
the steps are channels of their own (Tan et al. 2022, https://arxiv.org/abs/2102.00457). One
channel also has a linear path beside the blocks: spectra often mix linearly, and normalisation
hides how much.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from omniscope_ml.networks.blocks import groups_of, input_scale
from omniscope_ml.networks.layout import InputLayout
from omniscope_ml.networks.parameters import Value

# Longer inputs are shortened by the first convolution.
_MOST_STEPS = 128
_PARTS = 8
# Differences become 316 times larger at most: small ones are often noise.
_LEAST_VARIANCE = 1e-5


class _Differences(nn.Module):
    """Adds first and second differences of the steps, which say most in smooth series.

    There they are small, so each row's are brought towards mean 0 and variance 1.

    Shape: (rows, channels, steps) in, (rows, 3 x channels, steps) out.
    """

    def forward(self, steps: Tensor) -> Tensor:
        first = torch.diff(steps, dim=2, prepend=steps[:, :, :1])
        second = torch.diff(first, dim=2, prepend=first[:, :, :1])
        return torch.cat([steps, _scaled(first), _scaled(second)], dim=1)


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
            _Differences(),
            nn.Conv1d(3 * layout.channels, width, first, stride, first // 2, bias=False),
            nn.GroupNorm(groups_of(width), width),
            nn.ReLU(),
        )
        blocks = (_Block(width, kernel, dropout) for _ in range(int(parameters["depth"])))
        self.blocks = nn.Sequential(*blocks)
        steps = (layout.steps - 1) // stride + 1
        self.linear = nn.Linear(layout.steps, outputs) if layout.channels == 1 else None
        self._scale = input_scale(layout.steps)
        self._part = math.ceil(steps / _PARTS)
        pooled = (math.ceil(steps / self._part) + 1) * width
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(pooled, outputs))

    def forward(self, steps: Tensor) -> Tensor:
        """Return the outputs of rows."""
        found = self.blocks(self.stem(steps))
        parts = nn.functional.avg_pool1d(found, self._part, ceil_mode=True)
        outputs = self.head(torch.cat([parts.flatten(1), found.amax(dim=2)], dim=1))
        if self.linear is None:
            return outputs
        return outputs + self.linear(steps[:, 0] * self._scale)


def _scaled(differences: Tensor) -> Tensor:
    centred = differences - differences.mean(dim=2, keepdim=True)
    return centred * torch.rsqrt(centred.square().mean(dim=2, keepdim=True) + _LEAST_VARIANCE)
