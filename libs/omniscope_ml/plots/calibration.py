"""Whether probabilities mean what they say, and how many rows say what."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from omniscope_ml.curves import CALIBRATION_BINS, CalibrationCurve
from omniscope_ml.plots.class_lines import ClassLine, draw_lines, draw_reference
from omniscope_ml.plots.style import PALETTE, add_legend, new_figure, style_axes

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def calibration_plot(curves: Sequence[CalibrationCurve]) -> "Figure":
    """Draw observed shares against probabilities, above the number of rows per probability."""
    figure = new_figure(7.6, 6.2)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    draw_reference(upper, [0, 1], [0, 1], "0.000  ideal")
    draw_lines(upper, [_line(curve) for curve in curves], marker="o")
    style_axes(upper, title="Calibration", y="share of rows of the class")
    upper.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    add_legend(upper, title="mean distance from the ideal")
    edges = np.linspace(0, 1, CALIBRATION_BINS + 1)
    lower.bar(edges[:-1], _rows(curves), width=0.1, align="edge", color=PALETTE[0], ec="white")
    title = "probability of the class" if len(curves) == 1 else "probability of a class"
    style_axes(lower, x=title, y="rows" if len(curves) == 1 else "probabilities", grid="y")
    return figure


def _line(curve: CalibrationCurve) -> ClassLine:
    gap = _mean_gap(curve)
    return ClassLine(
        curve["class_name"],
        curve["mean_probabilities"],
        curve["observed_shares"],
        weakness=gap,
        value=gap,
    )


def _mean_gap(curve: CalibrationCurve) -> float:
    """Return how far probability and share lie apart in the mean over rows."""
    gaps = np.abs(np.subtract(curve["mean_probabilities"], curve["observed_shares"]))
    return float(np.average(gaps, weights=curve["row_counts"]))


def _rows(curves: Sequence[CalibrationCurve]) -> npt.NDArray[np.int64]:
    """Return the number of probabilities in each bin, of all curves."""
    rows = np.zeros(CALIBRATION_BINS, dtype=np.int64)
    edges = np.linspace(0, 1, CALIBRATION_BINS + 1)[1:-1]
    for curve in curves:
        np.add.at(rows, np.searchsorted(edges, curve["mean_probabilities"]), curve["row_counts"])
    return rows
