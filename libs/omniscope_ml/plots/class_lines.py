"""Lines per class in one plot: a few in colour, of many the weakest, the mean in black."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from omniscope_ml.plots.style import FAINT, INK, MUTED, PALETTE, largest, shown_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class ClassLine:
    """A line and how it is told from others.

    Attributes:
        name: The class; empty for the mean over the classes.
        x: Places.
        y: Heights.
        weakness: Of more lines than colours, those that are largest here are coloured.
        value: Stands before the name in the legend.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]
    weakness: float
    value: float


def draw_lines(axes: "Axes", lines: Sequence[ClassLine], *, marker: str = "") -> None:
    """Draw lines with labels for a legend, the mean last and on top."""
    classes = [line for line in lines if line.name]
    coloured = largest([line.weakness for line in classes])
    colours = dict(zip(coloured, PALETTE, strict=False))
    others = len(classes) - len(coloured)
    for place, line in enumerate(classes):
        if place not in colours:
            axes.plot(line.x, line.y, color=FAINT, linewidth=0.9, zorder=1.5)
    for place, colour in colours.items():
        line = classes[place]
        label = f"{line.value:.3f}  {shown_name(line.name)}"
        axes.plot(line.x, line.y, color=colour, linewidth=1.7, label=label, marker=marker, ms=4)
    if others:
        axes.plot([], [], color=FAINT, linewidth=2, label=f"{others} better")
    for line in lines:
        if not line.name:
            label = f"{line.value:.3f}  mean of the classes"
            axes.plot(line.x, line.y, color=INK, linewidth=2.2, linestyle="--", label=label)


def draw_reference(axes: "Axes", x: Sequence[float], y: Sequence[float], label: str) -> None:
    """Draw the line that a plot is read against."""
    axes.plot(x, y, color=MUTED, linewidth=1.1, linestyle=":", label=label, zorder=1.8)
