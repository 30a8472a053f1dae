"""Divides rows into those that train and those that no training ever sees."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from omniscope_ml.errors import DataError

Rows = npt.NDArray[np.int64]

# Below this a class can neither be validated nor bagged.
_MIN_TRAINING_ROWS_PER_CLASS = 2


@dataclass(frozen=True)
class HoldOut:
    """Places of the rows of either part, ascending."""

    train: Rows
    test: Rows


def hold_out_random(rows: int, test_fraction: float, seed: int) -> HoldOut:
    """Hold out a share of the rows, uniformly at random; the same seed gives the same rows.

    Raises:
        DataError: DATASET_TOO_SMALL when a part would have no rows.
    """
    count = round(rows * test_fraction)
    if not 0 < count < rows:
        raise DataError(
            f"{rows} rows cannot be divided with test_fraction {test_fraction}: a part would be "
            "empty",
            reason="DATASET_TOO_SMALL",
            field="split.test_fraction",
        )
    chosen = np.random.default_rng(seed).permutation(rows)[:count]
    return _divided(rows, chosen)


def hold_out_stratified(codes: Rows, test_fraction: float, seed: int) -> HoldOut:
    """Hold out the same share of every class.

    At least one row of each, and never so many that fewer than two are left to train on.

    Args:
        codes: Class of each row, from 0.
        test_fraction: Share of the rows to hold out.
        seed: The same seed gives the same rows.

    Raises:
        DataError: TARGET_CLASS_TOO_SMALL when a class has fewer than three rows.
    """
    generator = np.random.default_rng(seed)
    chosen = []
    for code in np.unique(codes):
        members = np.flatnonzero(codes == code)
        most = len(members) - _MIN_TRAINING_ROWS_PER_CLASS
        if most < 1:
            raise DataError(
                f"a class has {len(members)} rows; at least {_MIN_TRAINING_ROWS_PER_CLASS + 1} "
                "are needed to hold one out",
                reason="TARGET_CLASS_TOO_SMALL",
                field="target_column",
            )
        count = min(max(round(len(members) * test_fraction), 1), most)
        chosen.append(generator.permutation(members)[:count])
    return _divided(len(codes), np.concatenate(chosen))


def _divided(rows: int, chosen: Rows) -> HoldOut:
    held_out = np.zeros(rows, dtype=bool)
    held_out[chosen] = True
    return HoldOut(train=np.flatnonzero(~held_out), test=np.flatnonzero(held_out))
