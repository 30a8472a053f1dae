"""The candidates of a search with their scores, best first."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from omniscope_ml.plots.style import (
    FAINT,
    INK,
    MUTED,
    PALETTE,
    SMALL_SIZE,
    add_legend,
    new_figure,
    shown_name,
    style_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_SHOWN = 25
# The protocol negates metrics with one of these in their names, so that more is better.
_ERROR_WORDS = ("error", "loss", "deviation")

Entry = Mapping[str, Any]


def leaderboard_plot(entries: Sequence[Entry], chosen: str) -> "Figure":
    """Draw omniscope.common.v1.LeaderboardEntry's scores, validation and held out.

    Args:
        entries: Best first; the first 25 are drawn.
        chosen: The one that became the model; its name is set off.
    """
    drawn = entries[:_MOST_SHOWN]
    figure = new_figure(7.6, 2.1 + 0.3 * len(drawn))
    axes = figure.add_subplot()
    for place, entry in enumerate(drawn):
        _draw_entry(axes, place, entry)
    metric = drawn[0]["metric"]
    better = "less" if _is_error(metric) else "more"
    hidden = len(entries) - len(drawn)
    title = f"Leaderboard, the best {len(drawn)} of {len(entries)}" if hidden else "Leaderboard"
    style_axes(axes, title=title, x=f"{metric} ({better} is better)", grid="x")
    _name_candidates(axes, drawn, chosen)
    axes.plot([], [], "o", color=PALETTE[0], label="validation")
    axes.plot([], [], "D", color=PALETTE[1], label="held out", ms=5)
    add_legend(axes, below=True)
    return figure


def _draw_entry(axes: "Axes", place: int, entry: Entry) -> None:
    validation = _score(entry, "score_validation")
    if "score_test" in entry:
        test = _score(entry, "score_test")
        axes.plot([validation, test], [place, place], color=FAINT, linewidth=3, zorder=1.5)
        axes.plot(test, place, "D", color=PALETTE[1], markersize=5)
    axes.plot(validation, place, "o", color=PALETTE[0], markersize=7, zorder=1.9)


def _name_candidates(axes: "Axes", entries: Sequence[Entry], chosen: str) -> None:
    names = [shown_name(entry["model"], 32) for entry in entries]
    axes.set_yticks(range(len(entries)), names)
    for label, entry in zip(axes.get_yticklabels(), entries, strict=True):
        label.set_fontweight("bold" if entry["model"] == chosen else "normal")
    axes.set_ylim(len(entries) - 0.5, -0.5)
    seconds = [f"{entry['fit_seconds']:.1f} s" for entry in entries]
    for place, text in enumerate(seconds):
        axes.annotate(
            text, (1.0, place), xytext=(6, 0), xycoords=("axes fraction", "data"),
            textcoords="offset points", va="center", fontsize=SMALL_SIZE, color=MUTED,
        )  # fmt: skip
    axes.annotate(
        "fit", (1.0, 1.0), xytext=(6, 4), xycoords="axes fraction", textcoords="offset points",
        fontsize=SMALL_SIZE, color=INK,
    )  # fmt: skip


def _score(entry: Entry, name: str) -> float:
    value = float(entry[name])
    return abs(value) if _is_error(entry["metric"]) else value


def _is_error(metric: str) -> bool:
    return any(word in metric for word in _ERROR_WORDS)
