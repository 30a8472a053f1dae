"""The parts that rows are divided into."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class HoldOut:
    """Places of the rows of either part, ascending."""

    train: Rows
    test: Rows


@dataclass(frozen=True)
class Fold:
    """Places of the rows that a model is fitted on and of those that judge it, ascending."""

    train: Rows
    validation: Rows


@dataclass(frozen=True)
class Split:
    """A whole division.

    Attributes:
        hold_out: What trains and what is held out; the training rows hold every fold.
        folds: Divisions of the training rows: one for a validation fraction, k for k folds, none
            where the plan leaves validation to the method.
    """

    hold_out: HoldOut
    folds: tuple[Fold, ...]


def held_out_where(chosen: Mask) -> HoldOut:
    """Return the parts for a mask of the rows to hold out."""
    return HoldOut(train=np.flatnonzero(~chosen), test=np.flatnonzero(chosen))


def folds_by_number(numbers: Rows) -> tuple[Fold, ...]:
    """Return a fold for each number: its rows validate, all others train; -1 always trains."""
    return tuple(
        Fold(train=np.flatnonzero(numbers != number), validation=np.flatnonzero(numbers == number))
        for number in np.unique(numbers[numbers >= 0])
    )


def forward_folds(blocks: Rows) -> tuple[Fold, ...]:
    """Return a fold for each block but the first: what lies before it trains, it validates."""
    return tuple(
        Fold(train=np.flatnonzero(blocks < number), validation=np.flatnonzero(blocks == number))
        for number in range(1, int(blocks.max()) + 1)
    )


def within(rows: Rows, folds: tuple[Fold, ...]) -> tuple[Fold, ...]:
    """Return folds whose places count within `rows` as places in the whole table."""
    return tuple(Fold(train=rows[f.train], validation=rows[f.validation]) for f in folds)
