"""Attention between tokens (Vaswani et al. 2017, https://arxiv.org/abs/1706.03762).

Tables become feature tokens (Gorishniy et al. 2021, https://arxiv.org/abs/2106.11959); wide ones
patches of features, each with weights of its own, because the places of genes mean nothing. Beside
them tables have a linear path (Cheng et al. 2016, https://arxiv.org/abs/1606.07792): what adds up
needs no attention.
Sequences become tokens of neighbouring steps. Normalisation comes first in every block (Xiong et
al. 2020, https://arxiv.org/abs/2002.04745).
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from omniscope_ml.networks.blocks import AttentionPooling, StepTokens, input_scale
from omniscope_ml.networks.layout import MOST_AUTOMATIC_STEPS, InputLayout
from omniscope_ml.networks.parameters import Value


class _FeatureTokens(nn.Module):
    """Turns features, or patches of them, into tokens.

    Shape: (rows, columns) in, (rows, ceil(columns / patch), width) out.
    """

    def __init__(self, columns: int, patch: int, width: int) -> None:
        super().__init__()
        self._patch = patch
        tokens = math.ceil(columns / patch)
        self.weight = nn.Parameter(torch.empty(tokens, patch, width))
        self.bias = nn.Parameter(torch.zeros(tokens, width))
        nn.init.normal_(self.weight, std=patch**-0.5)
        nn.init.normal_(self.bias, std=0.5)

    def forward(self, rows: Tensor) -> Tensor:
        lacking = -rows.shape[1] % self._patch
        padded = nn.functional.pad(rows, (0, lacking)) if lacking else rows
        parts = padded.unflatten(1, (-1, self._patch))
        return torch.einsum("rtp,tpw->rtw", parts, self.weight) + self.bias


class _PlacedTokens(nn.Module):
    """Turns steps into tokens that know their place.

    Shape: (rows, channels, steps) in, (rows, ceil(steps / patch), width) out.
    """

    def __init__(self, layout: InputLayout, patch: int, width: int) -> None:
        super().__init__()
        self.tokens = StepTokens(layout.channels, patch, width)
        self.places = nn.Parameter(0.1 * torch.randn(math.ceil(layout.steps / patch), width))

    def forward(self, steps: Tensor) -> Tensor:
        return self.tokens(steps) + self.places


class _Block(nn.Module):
    """Attention, then a perceptron for each token. Shape: (rows, tokens, width) in and out."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self._heads = heads
        self.attention_norm = nn.LayerNorm(width)
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.joined = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)
        self.perceptron = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, 2 * width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(2 * width, width),
            nn.Dropout(dropout),
        )

    def forward(self, tokens: Tensor) -> Tensor:
        parts = self.queries_keys_values(self.attention_norm(tokens))
        query, key, value = parts.unflatten(2, (3, self._heads, -1)).permute(2, 0, 3, 1, 4)
        seen = nn.functional.scaled_dot_product_attention(query, key, value)
        tokens = tokens + self.dropout(self.joined(seen.transpose(1, 2).flatten(2)))
        return tokens + self.perceptron(tokens)


class Transformer(nn.Module):
    """Attention between features or steps.

    Shape:
        Input (rows, columns) for flat, (rows, channels, steps) for sequences. Output
        (rows, outputs).
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
        width, heads = int(parameters["width"]), int(parameters["heads"])
        length = columns if layout.kind == "flat" else layout.steps
        patch = int(parameters["patch"]) or math.ceil(length / MOST_AUTOMATIC_STEPS)
        self.tokens = (
            _FeatureTokens(columns, patch, width)
            if layout.kind == "flat"
            else _PlacedTokens(layout, patch, width)
        )
        blocks = (_Block(width, heads, dropout) for _ in range(int(parameters["depth"])))
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.LayerNorm(width)
        self.pool = AttentionPooling(width)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(width, outputs))
        self.linear = nn.Linear(columns, outputs) if layout.kind == "flat" else None
        self._scale = input_scale(columns)

    def forward(self, values: Tensor) -> Tensor:
        """Return the outputs of rows."""
        outputs = self.head(self.pool(self.norm(self.blocks(self.tokens(values)))))
        return outputs if self.linear is None else outputs + self.linear(values * self._scale)
