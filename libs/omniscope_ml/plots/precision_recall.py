"""Precision-recall curves: the precision that finding more of a class costs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from omniscope_ml.curves import PrecisionRecallCurve
from omniscope_ml.plots.class_lines import ClassLine, draw_lines
from omniscope_ml.plots.style import add_legend, new_figure, style_axes

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def precision_recall_plot(curves: Sequence[PrecisionRecallCurve]) -> "Figure":
    """Draw precision-recall curves with their average precisions."""
    figure = new_figure(7.6, 5.4)
    axes = figure.add_subplot()
    draw_lines(axes, [_line(curve) for curve in curves])
    style_axes(axes, title="Precision and recall", x="recall", y="precision")
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    add_legend(axes, title="average precision")
    return figure


def _line(curve: PrecisionRecallCurve) -> ClassLine:
    return ClassLine(
        curve["class_name"],
        curve["recalls"],
        curve["precisions"],
        weakness=-curve["area"],
        value=curve["area"],
    )
