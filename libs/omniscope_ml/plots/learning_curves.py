"""How a training went: loss and score after each epoch."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from omniscope_ml.plots.style import INK, PALETTE, add_legend, new_figure, style_axes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TITLES = {"rmse": "RMSE"}


def learning_curves_plot(
    epochs: Sequence[Mapping[str, float]], score_name: str, best: int
) -> "Figure":
    """Draw training and validation over the epochs, and mark the epoch that was kept.

    Args:
        epochs: At least one, with number, train_loss, validation_loss, train_score and
            validation_score.
        score_name: What the score is.
        best: Place of the epoch whose weights were kept.
    """
    numbers = [int(epoch["number"]) + 1 for epoch in epochs]
    figure = new_figure(9.0, 4.2)
    for axes, part, name in zip(
        figure.subplots(1, 2), ("loss", "score"), ("loss", score_name), strict=True
    ):
        for colour, rows in zip(PALETTE, ("train", "validation"), strict=False):
            values = [epoch[f"{rows}_{part}"] for epoch in epochs]
            mark = "o" if len(epochs) == 1 else None
            axes.plot(numbers, values, marker=mark, color=colour, label=rows)
        axes.axvline(numbers[best], color=INK, linewidth=1.1, linestyle=":", label="kept")
        style_axes(axes, title=_TITLES.get(name, name.capitalize()), x="epoch", y=name)
        if part == "loss":
            add_legend(axes, below=True)
    return figure
