"""The learning rate as a function of the step: a resumed training needs no memory of it."""

import math
from dataclasses import dataclass

from omniscope_deeplearning.options import Schedule

_RISING = 0.3
_SMALLEST_SHARE = 0.04
_PLATEAU_FACTOR = 0.5
_PLATEAU_SHARE = 3


@dataclass(frozen=True)
class LearningRate:
    """The course of the learning rate.

    Attributes:
        schedule: Its name.
        largest: Its largest value.
        steps: Steps of the whole training.
        warmup: Steps over which it rises first.
    """

    schedule: Schedule
    largest: float
    steps: int
    warmup: int

    def at(self, step: int, halvings: int = 0) -> float:
        """Return the learning rate of a step, from 0.

        Args:
            step: The step.
            halvings: How often the validation loss has stagnated; for `plateau`.

        >>> LearningRate("none", 0.1, 100, 4).at(1)
        0.05
        """
        if self.schedule == "one_cycle":
            return self.largest * _one_cycle(step / self.steps)
        if step < self.warmup:
            return self.largest * (step + 1) / self.warmup
        if self.schedule == "cosine":
            share = (step - self.warmup) / max(self.steps - self.warmup, 1)
            return self.largest * (1 + math.cos(math.pi * share)) / 2
        return self.largest * _PLATEAU_FACTOR**halvings


def halving_epochs(patience: int | None) -> int:
    """Return after how many epochs without a smaller loss the plateau schedule halves.

    Args:
        patience: Epochs that early stopping waits; None: 30 count.
    """
    return max(1, (patience or 30) // _PLATEAU_SHARE)


def _one_cycle(share: float) -> float:
    """Return the share of the largest rate (Smith & Topin 2017, arxiv.org/abs/1708.07120)."""
    if share < _RISING:
        rise = (1 - math.cos(math.pi * share / _RISING)) / 2
        return _SMALLEST_SHARE + (1 - _SMALLEST_SHARE) * rise
    return (1 + math.cos(math.pi * (share - _RISING) / (1 - _RISING))) / 2
