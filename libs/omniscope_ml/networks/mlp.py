"""Residual multilayer perceptron (Gorishniy et al. 2021, https://arxiv.org/abs/2106.11959).

A linear path runs beside the blocks: few rows of many columns are often told apart by a weighted
sum, and the blocks learn what is left.
"""

from collections.abc import Mapping

from torch import Tensor, nn

from omniscope_ml.networks.blocks import input_scale
from omniscope_ml.networks.layout import InputLayout
from omniscope_ml.networks.parameters import Value


class _Block(nn.Module):
    """Normalise, widen, narrow, add. Shape: (rows, width) in and out."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, 2 * width),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(2 * width, width),
            nn.Dropout(dropout),
        )

    def forward(self, values: Tensor) -> Tensor:
        return values + self.layers(values)


class Mlp(nn.Module):
    """Residual multilayer perceptron.

    Shape:
        Input (rows, columns). Output (rows, outputs).
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
        width, depth = int(parameters["width"]), int(parameters["depth"])
        self._scale = input_scale(columns)
        self.input_dropout = nn.Dropout(float(parameters["input_dropout"]))
        self.linear = nn.Linear(columns, outputs)
        self.project = nn.Linear(columns, width)
        self.blocks = nn.Sequential(*(_Block(width, dropout) for _ in range(depth)))
        self.head = nn.Sequential(nn.LayerNorm(width), nn.ReLU(), nn.Linear(width, outputs))

    def forward(self, rows: Tensor) -> Tensor:
        """Return the outputs of rows."""
        seen = self.input_dropout(rows) * self._scale
        return self.linear(seen) + self.head(self.blocks(self.project(seen)))
