"""How every plot looks. Figures are made without pyplot: no state is shared, threads may draw."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, which people with any colour vision tell apart; instead of their yellow,
# which is too faint on white, an indigo that is darker than the others.
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#332288")
INK = "#222222"
MUTED = "#8a8a8a"
FAINT = "#dddddd"

TITLE_SIZE = 12.0
LABEL_SIZE = 10.0
TICK_SIZE = 9.0
SMALL_SIZE = 8.0

_DOTS_PER_INCH = 130
_EDGE_INCHES = 0.12
_LONGEST_NAME = 24


def new_figure(width: float, height: float) -> "Figure":
    """Return an empty figure of a size in inches; its parts make room for each other."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=_DOTS_PER_INCH, facecolor="white")
    figure.set_layout_engine("constrained", w_pad=_EDGE_INCHES, h_pad=_EDGE_INCHES)
    return figure


def style_axes(
    axes: "Axes", *, title: str = "", x: str = "", y: str = "", grid: str = "both"
) -> None:
    """Give axes the house style: a title to the left, few lines, a faint grid.

    Args:
        axes: The axes.
        title: What it shows.
        x: Label of the horizontal axis.
        y: Label of the vertical axis.
        grid: `both`, `x`, `y` or empty for none.
    """
    axes.set_title(title, loc="left", fontsize=TITLE_SIZE, fontweight="bold", color=INK, pad=10)
    axes.set_xlabel(x, fontsize=LABEL_SIZE, color=INK)
    axes.set_ylabel(y, fontsize=LABEL_SIZE, color=INK)
    axes.tick_params(labelsize=TICK_SIZE, colors=INK, length=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(MUTED)
    axes.set_axisbelow(True)
    if grid:
        axes.grid(axis=grid, color=FAINT, linewidth=0.8)  # type: ignore[arg-type]


def add_legend(axes: "Axes", *, title: str = "", below: bool = False) -> None:
    """Add a legend of what has labels beside or below the axes, where it hides nothing."""
    handles, labels = axes.get_legend_handles_labels()
    legend = axes.get_figure(root=True).legend(  # type: ignore[union-attr]
        handles,
        labels,
        loc="outside lower center" if below else "outside right upper",
        ncols=len(labels) if below else 1,
        title=title,
        frameon=False,
        fontsize=SMALL_SIZE,
        title_fontsize=SMALL_SIZE,
        alignment="left",
    )
    legend.get_title().set_color(MUTED)


def shown_name(name: str, longest: int = _LONGEST_NAME) -> str:
    """Return a name as it can be drawn: on one line, cut when long, never taken for a formula."""
    line = " ".join(name.split())
    cut = line if len(line) <= longest else f"{line[: longest - 1]}…"
    return cut.replace("$", r"\$")


def largest(values: Sequence[float]) -> list[int]:
    """Return the places of the largest values, as many as there are colours, in their order.

    A plot of many classes colours those only and draws the others faint.
    """
    order = sorted(range(len(values)), key=lambda place: (-values[place], place))
    return sorted(order[: len(PALETTE)])
