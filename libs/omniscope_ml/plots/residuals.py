"""Residuals: true numbers less the predicted ones."""

from typing import TYPE_CHECKING

import numpy as np

from omniscope_ml.plots.style import INK, PALETTE, new_figure, style_axes
from omniscope_ml.residuals import Residuals

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def residuals_plot(points: Residuals, target: str) -> "Figure":
    """Draw residuals over predicted numbers, with their distribution beside.

    Args:
        points: True and predicted numbers.
        target: Name of what they are, fit to draw.
    """
    predicted = np.asarray(points["predicted_values"])
    left = np.asarray(points["true_values"]) - predicted
    figure = new_figure(7.2, 4.8)
    main, side = figure.subplots(1, 2, sharey=True, width_ratios=(4, 1))
    main.scatter(predicted, left, s=16, color=PALETTE[0], alpha=0.6, linewidths=0)
    main.axhline(0, color=INK, linewidth=1.1)
    style_axes(main, title="Residuals", x=f"predicted {target}", y="true minus predicted")
    side.hist(left, bins=30, orientation="horizontal", color=PALETTE[0], ec="white", lw=0.4)
    side.axhline(0, color=INK, linewidth=1.1)
    style_axes(side, x="rows", grid="x")
    return figure
