"""How a network learns: every choice, its default, its range, and what no data could make work."""

from __future__ import annotations

import reprlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, get_args

from omniscope_ml.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

Optimizer = Literal["adamw", "adam", "sgd"]
Schedule = Literal["cosine", "one_cycle", "plateau", "none"]
Precision = Literal["auto", "32", "bf16"]
ClassWeights = Literal["none", "balanced"]

FIELD: Final = "training"

_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "optimizer": get_args(Optimizer),
    "schedule": get_args(Schedule),
    "precision": get_args(Precision),
    "class_weights": get_args(ClassWeights),
}

RANGES: Final[Mapping[str, tuple[float, float]]] = {
    "epochs": (1, 100_000),
    "batch_size": (1, 1_000_000),
    "learning_rate": (1e-8, 10.0),
    "weight_decay": (0.0, 10.0),
    "warmup_epochs": (0, 100_000),
    "patience": (1, 100_000),
    "min_improvement": (0.0, 1.0),
    "gradient_clip": (1e-6, 1e6),
    "accumulation": (1, 1024),
    "label_smoothing": (0.0, 0.5),
    "dropout": (0.0, 0.9),
    "devices": (1, 64),
    "max_seconds": (1, 2_592_000),
    "checkpoint_minutes": (0.01, 1440.0),
}
"""Smallest and largest value of each option that is a number."""

OFF_AT_ZERO: Final = frozenset({"patience", "gradient_clip", "checkpoint_minutes"})
"""Options that requests switch off with 0; here they are None then."""


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """How a network learns.

    Attributes:
        epochs: Most passes over the training rows.
        batch_size: Rows of a step; None: a power of 2 between an eighth and a quarter of the
            training rows, 8 to 256.
        optimizer: `adamw`, `adam`, or `sgd` with momentum 0.9; None: `adamw`, and `sgd` for an
            `mlp` where columns outnumber rows.
        learning_rate: Largest step size; None: 0.001, and 0.05 for `sgd`.
        weight_decay: Pull of the weights towards 0; None: 0.01, and 0.1 where columns outnumber
            rows. `adam` and `sgd` add it to the gradient.
        schedule: Course of the learning rate. `cosine`: falls to 0. `one_cycle`: rises over three
            tenths of the steps, then falls. `plateau`: is halved where the validation loss has not
            fallen for a third of the patience. `none`: stays.
        warmup_epochs: Epochs over which it rises from 0 first; not for `one_cycle`.
        patience: Epochs without a smaller validation loss that end the training; None: never.
        min_improvement: How much smaller a validation loss has to be for patience and plateau;
            None: 0.001 for classes, 0.0001 of the variance for numbers.
        gradient_clip: Longest gradient; None: any.
        accumulation: Batches whose gradients make one step.
        label_smoothing: Share of each label that is spread over all classes.
        class_weights: `balanced`: classes count the same, however rare. `none`: rows do.
        dropout: Share of inner values left out of each step; None: 0.1, and 0.3 where columns
            outnumber rows.
        precision: `auto`: bf16 on a GPU that has it, else 32 bits.
        deterministic: Whether the same seed gives the same weights, at some cost on a GPU.
        devices: GPUs, or processes without one, that share each batch.
        max_seconds: Seconds after which the best epoch so far is the result; None: no limit.
        checkpoint_minutes: Minutes between checkpoints; None: every epoch, though not within 2
            seconds of the last, nor within ten times as long as storing that took.

    Raises:
        DataError: FIELD_INVALID, naming the field.
    """

    epochs: int = 200
    batch_size: int | None = None
    optimizer: Optimizer | None = None
    learning_rate: float | None = None
    weight_decay: float | None = None
    schedule: Schedule = "cosine"
    warmup_epochs: int = 0
    patience: int | None = 30
    min_improvement: float | None = None
    gradient_clip: float | None = 1.0
    accumulation: int = 1
    label_smoothing: float = 0.0
    class_weights: ClassWeights = "none"
    dropout: float | None = None
    precision: Precision = "auto"
    deterministic: bool = True
    devices: int = 1
    max_seconds: int | None = None
    checkpoint_minutes: float | None = None

    def __post_init__(self) -> None:
        for name, known in _CHOICES.items():
            value = getattr(self, name)
            if value is not None and value not in known:
                raise _invalid(name, value, ", ".join(known))
        for name, (smallest, largest) in RANGES.items():
            value = getattr(self, name)
            if value is not None and not smallest <= value <= largest:
                off = "0 for none, or " if name in OFF_AT_ZERO else ""
                raise _invalid(name, value, f"{off}{_plain(smallest)} to {_plain(largest)}")
        if self.warmup_epochs >= self.epochs:
            raise _invalid("warmup_epochs", self.warmup_epochs, f"0 to {self.epochs - 1}")


def batch_size_for(options: TrainingOptions, rows: int) -> int:
    """Return the rows of a step.

    Args:
        options: What was asked for.
        rows: Rows that train.

    Raises:
        DataError: FIELD_INVALID when more rows are asked for than train.
    """
    if options.batch_size is None:
        return min(rows, max(8, min(256, 1 << (rows // 8).bit_length())))
    if options.batch_size > rows:
        raise _invalid("batch_size", options.batch_size, f"1 to {rows}, the rows that train")
    return options.batch_size


def _plain(number: float) -> str:
    """Return a number as people write it, without an exponent."""
    return f"{number:.10f}".rstrip("0").rstrip(".")


def _invalid(name: str, value: object, allowed: str) -> DataError:
    return DataError(
        f"{FIELD}.{name} is {reprlib.repr(value)}; allowed is {allowed}",
        reason="FIELD_INVALID",
        field=f"{FIELD}.{name}",
    )
