"""Rows divided uniformly at random."""

import numpy as np

from omniscope_ml.errors import DataError
from omniscope_ml.splits.parts import Mask, Rows


def chosen_at_random(
    rows: int, fraction: float, generator: np.random.Generator, field: str
) -> Mask:
    """Choose a share of the rows.

    Args:
        rows: How many there are.
        fraction: Share to choose.
        generator: Draws.
        field: Request field that holds the share.

    Raises:
        DataError: DATASET_TOO_SMALL when a part would have no rows.
    """
    count = round(rows * fraction)
    if not 0 < count < rows:
        raise DataError(
            f"{rows} rows cannot be divided with {field} {fraction:g}: a part would be empty",
            reason="DATASET_TOO_SMALL",
            field=field,
        )
    chosen = np.zeros(rows, dtype=bool)
    chosen[generator.permutation(rows)[:count]] = True
    return chosen


def folds_at_random(rows: int, folds: int, generator: np.random.Generator) -> Rows:
    """Return the fold of each row; sizes differ by one at most.

    Raises:
        DataError: DATASET_TOO_SMALL when there are fewer rows than folds.
    """
    return round_robin(generator.permutation(rows), folds)


def round_robin(order: Rows, folds: int) -> Rows:
    """Deal rows, in this order, one after the other to the folds; shape (rows,).

    Raises:
        DataError: DATASET_TOO_SMALL when there are fewer rows than folds.
    """
    if len(order) < folds:
        raise DataError(
            f"{len(order)} training rows cannot be divided into {folds} folds",
            reason="DATASET_TOO_SMALL",
            field="split.folds",
        )
    numbers = np.empty(len(order), dtype=np.int64)
    numbers[order] = np.arange(len(order)) % folds
    return numbers
