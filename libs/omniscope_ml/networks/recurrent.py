"""Recurrent networks: plain, LSTM (Hochreiter & Schmidhuber 1997), GRU (Cho et al. 2014).

Read from both ends (Schuster & Paliwal 1997) and pooled over all steps, by attention and by the
maximum, so that no step has to be remembered until the last.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from omniscope_ml.networks.blocks import AttentionPooling, StepTokens
from omniscope_ml.networks.layout import MOST_AUTOMATIC_STEPS, InputLayout
from omniscope_ml.networks.parameters import Value

_CELLS: Mapping[str, type[nn.RNNBase]] = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


class _Layers(nn.Module):
    """Recurrent layers, each a module of its own.

    As one module of several layers cuDNN drops values between them by random numbers that no seed
    reaches any more after the first step: an interrupted training would not go on exactly.

    Shape: (rows, tokens, width) in; (rows, tokens, width, or twice that from both ends) out.
    """

    def __init__(
        self, cell: type[nn.RNNBase], width: int, depth: int, dropout: float, *, both: bool
    ) -> None:
        super().__init__()
        self.width = width * (2 if both else 1)
        self.cells = nn.ModuleList(
            cell(self.width if layer else width, width, batch_first=True, bidirectional=both)
            for layer in range(depth)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        first, *others = self.cells
        found, _ = first(tokens)
        for layer in others:
            found, _ = layer(self.dropout(found))
        return found


class Recurrent(nn.Module):
    """A recurrent network over tokens of steps.

    Args:
        cell: `rnn`, `lstm` or `gru`.

    Shape:
        Input (rows, channels, steps). Output (rows, outputs).
    """

    def __init__(
        self,
        cell: str,
        layout: InputLayout,
        outputs: int,
        parameters: Mapping[str, Value],
        dropout: float,
    ) -> None:
        super().__init__()
        width, depth = int(parameters["width"]), int(parameters["depth"])
        patch = int(parameters["patch"]) or math.ceil(layout.steps / MOST_AUTOMATIC_STEPS)
        both = bool(parameters["bidirectional"])
        self.tokens = StepTokens(layout.channels, patch, width)
        self.layers = _Layers(_CELLS[cell], width, depth, dropout, both=both)
        found = self.layers.width
        self.norm = nn.LayerNorm(found)
        self.pool = AttentionPooling(found)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * found, outputs))

    def forward(self, steps: Tensor) -> Tensor:
        """Return the outputs of rows."""
        tokens = self.norm(self.layers(self.tokens(steps)))
        return self.head(torch.cat([self.pool(tokens), tokens.amax(dim=1)], dim=1))
