"""The loss that a network is trained to make small, and the score beside it that people read."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Loss:
    """Cross-entropy of classes, or squared error of numbers.

    Attributes:
        classes: Whether targets are classes.
        label_smoothing: Share of each label that is spread over all classes.
        scale: What a difference of 1 in a number stands for.
    """

    classes: bool
    label_smoothing: float = 0.0
    scale: float = 1.0

    @property
    def score_name(self) -> str:
        """`accuracy`, or `rmse` in the target's own unit."""
        return "accuracy" if self.classes else "rmse"

    def total(
        self, outputs: Tensor, targets: Tensor, weights: Tensor | None, *, smooth: bool = True
    ) -> Tensor:
        """Return the weighted sum over rows.

        Args:
            outputs: Shape (rows, outputs).
            targets: Shape (rows,).
            weights: Shape (rows,); None for 1 each.
            smooth: Whether labels are smoothed: while training, not where epochs are compared.
        """
        reduction = "sum" if weights is None else "none"
        if self.classes:
            smoothing = self.label_smoothing if smooth else 0.0
            losses = functional.cross_entropy(
                outputs, targets, reduction=reduction, label_smoothing=smoothing
            )
        else:
            losses = functional.mse_loss(outputs[:, 0], targets, reduction=reduction)
        return losses if weights is None else (losses * weights).sum()

    def score(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the number of right answers, or the sum of squared errors."""
        if self.classes:
            return (outputs.argmax(dim=1) == targets).sum()
        return torch.square(outputs[:, 0] - targets).sum()

    def mean_score(self, total: float, rows: int) -> float:
        """Return the score of so many rows whose `score` adds up to a total."""
        return total / rows if self.classes else self.scale * (total / rows) ** 0.5
