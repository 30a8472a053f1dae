"""The rows of a training as tensors on the device that trains: read once, sliced by batch."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from omniscope_deeplearning.prepared import PreparedTable
from omniscope_deeplearning.spec import TrainSpec
from omniscope_ml.errors import DataError
from omniscope_ml.splits.parts import Rows


@dataclass(frozen=True)
class Part:
    """Some rows.

    Attributes:
        inputs: Shape (rows, columns), float32.
        targets: Class of each row, int64, or its standardised number, float32; shape (rows,).
        weights: Weight of each row, float32, shape (rows,); None when rows weigh the same.
    """

    inputs: Tensor
    targets: Tensor
    weights: Tensor | None

    def __len__(self) -> int:
        return len(self.inputs)

    def take(self, indices: Tensor) -> "Part":
        """Return the rows at some indices."""
        weights = None if self.weights is None else self.weights[indices]
        return Part(self.inputs[indices], self.targets[indices], weights)

    def slices(self, rows: int) -> "Iterator[Part]":
        """Yield the rows in order, so many at a time."""
        for start in range(0, len(self), rows):
            here = slice(start, start + rows)
            weights = None if self.weights is None else self.weights[here]
            yield Part(self.inputs[here], self.targets[here], weights)


@dataclass(frozen=True)
class TrainingData:
    """All rows that a training sees.

    Attributes:
        train: Those that weights are fitted on.
        validation: Those that choose the epoch.
        target_center: Mean of the training targets; 0 for classes.
        target_scale: Standard deviation of the training targets; 1 for classes.
    """

    train: Part
    validation: Part
    target_center: float
    target_scale: float


class Chunks:
    """The training rows of an epoch in random order, the rows of some steps at a time.

    The order depends on seed and epoch only, so an epoch can be entered at any step.

    Args:
        rows: How many rows there are.
        step_rows: Rows of a step.
        seed: Seed of the order.

    Attributes:
        epoch: Which epoch's order.
        first_step: Step of the epoch to begin with.
        together: Steps of the chunks to come.
    """

    def __init__(self, rows: int, step_rows: int, seed: int) -> None:
        self._rows, self._step_rows, self._seed = rows, step_rows, seed
        self.epoch = 0
        self.first_step = 0
        self.together = 1

    @property
    def steps(self) -> int:
        """Steps of a whole epoch."""
        return -(-self._rows // self._step_rows)

    # No __len__: chunks grow and shrink while an epoch lasts.
    def __iter__(self) -> Iterator[Tensor]:
        seed = int(np.random.SeedSequence((self._seed, self.epoch)).generate_state(1)[0])
        order = torch.randperm(self._rows, generator=torch.Generator().manual_seed(seed))
        start = self.first_step * self._step_rows
        while start < self._rows:
            end = start + self.together * self._step_rows
            yield order[start:end]
            start = end


def load_data(prepared: PreparedTable, spec: TrainSpec, device: torch.device) -> TrainingData:
    """Preprocess the rows and put them on a device.

    Raises:
        DataError: TARGET_CONSTANT when a regression's training rows have one value,
            TARGET_OUT_OF_RANGE when a target does not fit into 32 bits beside the others,
            NO_FEATURE_COLUMNS when no feature tells them apart.
    """
    table, preprocessor = prepared.table, prepared.preprocessor
    targets, center, scale = (
        (table.codes, 0.0, 1.0) if table.labels else _standardised(prepared, spec)
    )
    weights = _weights(prepared, spec)

    def part(rows: Rows) -> Part:
        return Part(
            torch.from_numpy(preprocessor.transform(table.frame.iloc[rows])).to(device),
            torch.from_numpy(targets[rows]).to(device),
            None if weights is None else torch.from_numpy(weights[rows]).to(device),
        )

    fold = prepared.fold
    train = part(fold.train)
    _check_varies(train.inputs)
    return TrainingData(train, part(fold.validation), center, scale)


def _check_varies(inputs: Tensor) -> None:
    if all(torch.equal(row, inputs[0]) for row in inputs):
        raise DataError(
            f"no feature has two different values in the {len(inputs)} training rows; name others "
            "in feature_columns",
            reason="NO_FEATURE_COLUMNS",
            field="feature_columns",
        )


def _standardised(
    prepared: PreparedTable, spec: TrainSpec
) -> tuple[npt.NDArray[np.float32], float, float]:
    """Return the targets of all rows by mean and deviation of the training rows, and these."""
    target = prepared.table.target
    known = target[prepared.fold.train]
    if np.ptp(known) == 0:
        raise DataError(
            f"target column {spec.target_column!r} is {known[0]:g} in all {len(known)} training "
            "rows",
            reason="TARGET_CONSTANT",
            field="target_column",
        )
    with np.errstate(all="ignore"):
        center, scale = float(known.mean()), float(known.std())
        standardised = ((target - center) / scale).astype(np.float32)
    if not (np.isfinite(scale) and np.isfinite(standardised).all()):
        raise DataError(
            f"target column {spec.target_column!r} goes from {target.min():g} to "
            f"{target.max():g}, its {len(known)} training rows from {known.min():g} to "
            f"{known.max():g}; divided by their standard deviation all must be numbers of 32 "
            "bits: rescale it, or drop rows that only mark a missing value",
            reason="TARGET_OUT_OF_RANGE",
            field="target_column",
        )
    return standardised, center, scale


def _weights(prepared: PreparedTable, spec: TrainSpec) -> npt.NDArray[np.float32] | None:
    """Return the weight of each row, with mean 1 over the training rows."""
    table, train = prepared.table, prepared.fold.train
    balanced = table.labels is not None and spec.training.class_weights == "balanced"
    if table.weights is None and not balanced:
        return None
    weights = np.ones(len(table.target)) if table.weights is None else table.weights
    for rows, purpose in ((train, "trains"), (prepared.fold.validation, "validates")):
        if not weights[rows].any():
            raise DataError(
                f"weight_column {spec.weight_column!r} is 0 in every row that {purpose}",
                reason="COLUMN_ROLE_CONFLICT",
                field="weight_column",
            )
    if balanced:
        counts = np.bincount(table.codes[train], weights[train], table.codes.max() + 1)
        # Where time divides, later rows may have classes that none before has: as rare as that,
        # they would outweigh all others.
        weights = weights / np.where(counts > 0, counts, counts.sum())[table.codes]
    return np.asarray(weights / weights[train].mean(), dtype=np.float32)
