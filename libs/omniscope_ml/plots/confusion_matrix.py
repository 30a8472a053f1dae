"""How often each true class was predicted as which, as a heat map."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from omniscope_ml.plots.style import INK, SMALL_SIZE, TICK_SIZE, new_figure, shown_name, style_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Up to here a cell has room for its count.
_MOST_COUNTED = 20
# From 50 on matplotlib puts a picture of dots into the SVG to show them.
_SHADES = 40
# Up to here every class has room for its name.
_MOST_NAMED = 40

Shares = npt.NDArray[np.float64]


def confusion_matrix_plot(matrix: Mapping[str, Any]) -> "Figure":
    """Draw an omniscope.common.v1.ConfusionMatrix: colours are shares of a true class's rows."""
    from matplotlib import colormaps

    classes: Sequence[str] = matrix["classes"]
    counts = np.reshape(matrix["counts"], (len(classes), len(classes)))
    rows = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, rows, out=np.zeros(counts.shape), where=rows > 0)
    side = float(np.clip(1.8 + 0.42 * len(classes), 4.0, 11.0))
    figure = new_figure(side + 1.2, side)
    axes = figure.add_subplot()
    blues = colormaps["Blues"].resampled(_SHADES)
    mesh = axes.pcolormesh(shares, cmap=blues, vmin=0, vmax=1, edgecolors="white", linewidth=1)
    style_axes(axes, title="Confusion matrix", x="predicted class", y="true class", grid="")
    _name_classes(axes, classes)
    if len(classes) <= _MOST_COUNTED:
        _write_counts(axes, counts, shares)
    bar = figure.colorbar(mesh, ax=axes, shrink=0.7, aspect=30)
    bar.set_label("share of the true class's rows", fontsize=TICK_SIZE, color=INK)
    bar.ax.tick_params(labelsize=SMALL_SIZE, length=0)
    bar.outline.set_visible(False)
    return figure


def _name_classes(axes: "Axes", classes: Sequence[str]) -> None:
    every = -(-len(classes) // _MOST_NAMED)
    places = range(0, len(classes), every)
    names = [shown_name(classes[place]) for place in places]
    middles = [place + 0.5 for place in places]
    size = TICK_SIZE if len(classes) <= _MOST_COUNTED else SMALL_SIZE - 1
    upright = len(classes) > 4 or max(map(len, names)) > 10
    axes.set_xticks(middles, names, rotation=90 if upright else 0, fontsize=size)
    axes.set_yticks(middles, names, fontsize=size)
    axes.invert_yaxis()
    axes.set_aspect("equal")
    axes.spines[:].set_visible(False)


def _write_counts(axes: "Axes", counts: Shares, shares: Shares) -> None:
    for (row, column), count in np.ndenumerate(counts):
        axes.text(
            column + 0.5,
            row + 0.5,
            f"{count:,}" if count < 10_000 else f"{count / 1000:.0f}k",
            ha="center",
            va="center",
            fontsize=TICK_SIZE if len(counts) <= 10 else SMALL_SIZE - 1,
            color="white" if shares[row, column] > 0.55 else INK,
            alpha=1.0 if count else 0.35,
        )
