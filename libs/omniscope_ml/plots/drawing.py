"""Draws every plot that a model's results have something for."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omniscope_ml.evaluation import HELD_OUT
from omniscope_ml.plots.calibration import calibration_plot
from omniscope_ml.plots.confusion_matrix import confusion_matrix_plot
from omniscope_ml.plots.files import PlotFile, save_plot
from omniscope_ml.plots.leaderboard import leaderboard_plot
from omniscope_ml.plots.precision_recall import precision_recall_plot
from omniscope_ml.plots.predicted_against_true import predicted_against_true_plot
from omniscope_ml.plots.residuals import residuals_plot
from omniscope_ml.plots.roc import roc_plot
from omniscope_ml.plots.style import shown_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Results = Mapping[str, Any]


def write_plots(package: Path, results: Results) -> list[PlotFile]:
    """Write plots into a package.

    Args:
        package: Its folder; the files land in `plots/`.
        results: The results under the field names of omniscope.common.v1.ModelResults. What is
            missing or empty has no plot.

    Returns:
        What was written.
    """
    return [
        written
        for name, figure in _figures(results)
        for written in save_plot(package, name, figure)
    ]


def _figures(results: Results) -> Iterator[tuple[str, "Figure"]]:
    if matrix := results.get("confusion_matrix"):
        yield "confusion_matrix", confusion_matrix_plot(matrix)
    if curves := results.get("roc_curves"):
        yield "roc", roc_plot(curves)
    if curves := results.get("precision_recall_curves"):
        yield "precision_recall", precision_recall_plot(curves)
    if curves := results.get("calibration_curves"):
        yield "calibration", calibration_plot(curves)
    if (points := results.get("residuals")) and points["true_values"]:
        target = shown_name(results["target_column"])
        yield (
            "predicted_against_true",
            predicted_against_true_plot(points, target, _held_out(results)),
        )
        yield "residuals", residuals_plot(points, target)
    if entries := results.get("leaderboard"):
        yield "leaderboard", leaderboard_plot(entries, results["best_model"])


def _held_out(results: Results) -> Mapping[str, float]:
    sets = [measured for measured in results["metrics"] if measured["split"] == HELD_OUT]
    return sets[0]["values"] if sets else {}
