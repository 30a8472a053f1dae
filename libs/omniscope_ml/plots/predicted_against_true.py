"""Predicted numbers over the true ones: a good model's points lie on the diagonal."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from omniscope_ml.plots.style import FAINT, INK, PALETTE, TICK_SIZE, new_figure, style_axes
from omniscope_ml.residuals import Residuals

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_METRICS = {"rmse": "RMSE", "mae": "MAE", "r2": "R²"}


def predicted_against_true_plot(
    points: Residuals, target: str, metrics: Mapping[str, float]
) -> "Figure":
    """Draw predicted over true numbers.

    Args:
        points: True and predicted numbers.
        target: Name of what they are, fit to draw.
        metrics: Values by name; rmse, mae and r2 stand in the plot.
    """
    true, predicted = points["true_values"], points["predicted_values"]
    low, high = min(*true, *predicted), max(*true, *predicted)
    figure = new_figure(5.6, 5.6)
    axes = figure.add_subplot()
    axes.plot([low, high], [low, high], color=INK, linewidth=1.1)
    axes.scatter(true, predicted, s=16, color=PALETTE[0], alpha=0.6, linewidths=0)
    style_axes(axes, title="Predicted against true", x=f"true {target}", y=f"predicted {target}")
    margin = 0.03 * (high - low) or 0.5
    axes.set(xlim=(low - margin, high + margin), ylim=(low - margin, high + margin))
    axes.set_aspect("equal")
    lines = [f"{word} {metrics[name]:.4g}" for name, word in _METRICS.items() if name in metrics]
    axes.text(
        0.04, 0.96, "\n".join(lines), transform=axes.transAxes, va="top", fontsize=TICK_SIZE,
        color=INK, linespacing=1.5, bbox={"facecolor": "white", "edgecolor": FAINT, "pad": 5},
    )  # fmt: skip
    return figure
