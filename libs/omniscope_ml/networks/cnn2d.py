"""Residual convolutions over images (He et al. 2016, https://arxiv.org/abs/1512.03385).

NOTE(deviation): group normalisation (Wu & He 2018, https://arxiv.org/abs/1803.08494) instead of
batch normalisation, so that small batches, several devices and prediction see the same network.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from omniscope_ml.networks.blocks import groups_of
from omniscope_ml.networks.layout import InputLayout
from omniscope_ml.networks.parameters import Value

# Images that are smaller are not halved any more.
_SMALLEST_SIDE = 4
# Doubled at every halving, a deep network of a large image would have billions of weights.
_WIDEST = 8


class _Block(nn.Module):
    """Two convolutions and a way past them.

    Args:
        width: Values of a pixel that it reads.
        out: Values of a pixel that it gives.
        dropout: Share of the inner values that are left out.
        halves: Whether it halves the sides; otherwise `out` is `width`.

    Shape: (rows, width, height, width of the image) in; (rows, out, height, width of the image)
    out, or half the sides.
    """

    def __init__(self, width: int, out: int, dropout: float, *, halves: bool) -> None:
        super().__init__()
        stride = 2 if halves else 1
        self.layers = nn.Sequential(
            nn.Conv2d(width, out, 3, stride, 1, bias=False),
            nn.GroupNorm(groups_of(out), out),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Conv2d(out, out, 3, padding=1, bias=False),
            nn.GroupNorm(groups_of(out), out),
        )
        self.past = nn.Conv2d(width, out, 1, stride, bias=False) if halves else nn.Identity()

    def forward(self, images: Tensor) -> Tensor:
        return torch.relu(self.past(images) + self.layers(images))


class Cnn2d(nn.Module):
    """Residual convolutions over images.

    Shape:
        Input (rows, channels, height, width). Output (rows, outputs).
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
        width, side = int(parameters["width"]), min(layout.height, layout.width)
        self.stem = nn.Sequential(
            nn.Conv2d(layout.channels, width, 3, padding=1, bias=False),
            nn.GroupNorm(groups_of(width), width),
            nn.ReLU(),
        )
        widest = _WIDEST * width
        blocks: list[nn.Module] = []
        for _ in range(int(parameters["depth"])):
            halves = bool(blocks) and side > _SMALLEST_SIDE
            out = min(2 * width, widest) if halves else width
            blocks.append(_Block(width, out, dropout, halves=halves))
            width, side = out, (side + 1) // 2 if halves else side
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(width, outputs))

    def forward(self, images: Tensor) -> Tensor:
        """Return the outputs of rows."""
        return self.head(self.blocks(self.stem(images)).mean(dim=(2, 3)))
