"""How well each class is told from the others at every threshold."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from omniscope_ml.curves import RocCurve
from omniscope_ml.plots.class_lines import ClassLine, draw_lines, draw_reference
from omniscope_ml.plots.style import add_legend, new_figure, style_axes

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def roc_plot(curves: Sequence[RocCurve]) -> "Figure":
    """Draw ROC curves with their areas."""
    figure = new_figure(7.6, 5.4)
    axes = figure.add_subplot()
    draw_reference(axes, [0, 1], [0, 1], "0.500  chance")
    draw_lines(axes, [_line(curve) for curve in curves])
    style_axes(axes, title="ROC curve", x="false positive rate", y="true positive rate")
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    add_legend(axes, title="area under the curve")
    return figure


def _line(curve: RocCurve) -> ClassLine:
    return ClassLine(
        curve["class_name"],
        curve["false_positive_rates"],
        curve["true_positive_rates"],
        weakness=-curve["area"],
        value=curve["area"],
    )
