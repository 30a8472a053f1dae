"""Parts that several architectures are made of."""

import torch
from torch import Tensor, nn

from omniscope_ml.networks.layout import InputLayout

_FULL_SCALE_COLUMNS = 64
_SMALLEST_WINDOW = 7


class Arranged(nn.Module):
    """Brings rows into the shape of their layout.

    Args:
        layout: The shape; what a row lacks is filled with zeros at its end.

    Shape:
        Input (rows, columns). Output (rows, columns) for flat, (rows, channels, steps) for
        sequences, (rows, channels, height, width) for images.
    """

    def __init__(self, layout: InputLayout) -> None:
        super().__init__()
        *sides, self._channels = layout.shape or (0,)
        self._sides = tuple(sides)
        self._size = layout.size
        self._channels_first = layout.order == "channels_first"

    def forward(self, rows: Tensor) -> Tensor:
        """Arrange rows."""
        if self._size is None:
            return rows
        if self._size > rows.shape[1]:
            rows = nn.functional.pad(rows, (0, self._size - rows.shape[1]))
        if self._channels_first:
            return rows.reshape(len(rows), self._channels, *self._sides)
        return rows.reshape(len(rows), *self._sides, self._channels).movedim(-1, 1)


class AttentionPooling(nn.Module):
    """Weighs tokens by a learned query (Lin et al. 2017, https://arxiv.org/abs/1703.03130).

    Args:
        width: Values of a token.

    Shape:
        Input (rows, tokens, width). Output (rows, width).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(width, width)
        self.score = nn.Linear(width, 1, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Pool tokens."""
        weights = self.score(torch.tanh(self.hidden(tokens))).softmax(dim=1)
        return (weights * tokens).sum(dim=1)


class StepTokens(nn.Module):
    """Makes tokens of neighbouring steps, by windows that overlap.

    So that nothing is lost at the border of two tokens (Hassani et al. 2021,
    https://arxiv.org/abs/2104.05704).

    Args:
        channels: Channels of a step.
        patch: Steps from one token to the next.
        width: Values of a token.

    Shape:
        Input (rows, channels, steps). Output (rows, ceil(steps / patch), width).
    """

    def __init__(self, channels: int, patch: int, width: int) -> None:
        super().__init__()
        window = max(_SMALLEST_WINDOW, 2 * patch - 1)
        self.look = nn.Conv1d(channels, width, window, patch, window // 2, bias=False)
        self.norm = nn.GroupNorm(groups_of(width), width)

    def forward(self, steps: Tensor) -> Tensor:
        """Make tokens."""
        return torch.relu(self.norm(self.look(steps))).transpose(1, 2)


def groups_of(width: int) -> int:
    """Return the number of groups that group normalisation divides channels into, at most 8."""
    return next(groups for groups in (8, 4, 2, 1) if width % groups == 0)


def input_scale(columns: int) -> float:
    """Return what the inputs of a linear layer are multiplied by, 1 for few columns.

    A step moves every weight by about the learning rate; unscaled, the outputs of a wide table
    would move by several units at once.
    """
    return min(1.0, (_FULL_SCALE_COLUMNS / columns) ** 0.5)
