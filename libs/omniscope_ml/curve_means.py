"""The mean over classes of their curves: its area is the mean of theirs."""

from collections.abc import Sequence

import numpy as np

from omniscope_ml.thinning import Line


def mean_curve(curves: Sequence[tuple[Line, Line]]) -> tuple[Line, Line]:
    """Average the heights of curves.

    Args:
        curves: x, rising from 0 to 1 and standing still where the curve is upright, and y of each,
            shape (points,).

    Returns:
        x and y, with a point just before and one just after every x of any curve.
    """
    places = np.unique(np.concatenate([x for x, _ in curves]))
    around = np.stack([np.nextafter(places, -1), np.nextafter(places, 2)], axis=1).reshape(-1)
    heights = [np.interp(around, x, y) for x, y in curves]
    return np.repeat(places, 2), np.asarray(np.mean(heights, axis=0))
