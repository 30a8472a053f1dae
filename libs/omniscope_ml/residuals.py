"""Predicted numbers beside the true ones, few enough to send and to draw."""

from typing import TypedDict

import numpy as np

from omniscope_ml.metrics import Floats

MOST_ROWS = 1000


class Residuals(TypedDict):
    """An omniscope.common.v1.Residuals."""

    true_values: list[float]
    predicted_values: list[float]


def residuals(truth: Floats, predicted: Floats) -> Residuals:
    """Return true and predicted numbers, sorted by the true ones.

    Args:
        truth: Shape (rows,).
        predicted: Shape (rows,).

    Returns:
        All rows with a finite prediction, or 1,000 that are evenly spaced among them, first and
        last included.
    """
    usable = np.flatnonzero(np.isfinite(predicted))
    order = usable[np.argsort(truth[usable], kind="stable")]
    kept = order[np.linspace(0, len(order) - 1, min(len(order), MOST_ROWS)).round().astype(int)]
    return {
        "true_values": truth[kept].astype(np.float64).tolist(),
        "predicted_values": predicted[kept].astype(np.float64).tolist(),
    }
