"""Writes what came of a training: results, plots, learning curves and held-out predictions."""

import dataclasses
import json
import time
from pathlib import Path
from typing import Any

from omniscope_deeplearning.fit import Fit
from omniscope_deeplearning.losses import Loss
from omniscope_deeplearning.prepared import PreparedTable
from omniscope_deeplearning.spec import TrainSpec
from omniscope_ml.network_model import NetworkModel
from omniscope_ml.networks.build import build_network
from omniscope_ml.packaging import PREDICTIONS_FILE, RESULTS_FILE
from omniscope_ml.plots.drawing import write_plots
from omniscope_ml.plots.files import PlotFile, save_plot
from omniscope_ml.plots.learning_curves import learning_curves_plot
from omniscope_ml.training.held_out_rows import measure_held_out_rows, positive_class
from omniscope_ml.training.training_table import TrainingTable

CURVES_FILE = "learning_curves.json"
METRIC = "loss"
"""The score that epochs are compared by."""


def write_results(
    folder: Path, spec: TrainSpec, prepared: PreparedTable, fit: Fit, *, started: float
) -> dict[str, Any]:
    """Measure a network on the held-out rows; write results.json, plots and predictions.arrow.

    Args:
        folder: The package.
        spec: What was asked for.
        prepared: The rows.
        fit: What was trained.
        started: When the training began, by time.monotonic.

    Returns:
        The results under the field names of omniscope.common.v1.ModelResults.
    """
    asked, table = time.monotonic(), prepared.table
    predictor = _predictor(prepared, fit)
    measured = measure_held_out_rows(predictor, table, spec, folder / PREDICTIONS_FILE)
    results = {
        **_about(spec, table),
        **measured,
        "best_model": spec.architecture,
        "stopped_early": fit.state.stopped_early,
        "settings": fit.recipe.texts(),
        "ending": fit.ending,
    }
    results["plots"] = write_plots(folder, results) + _write_curves(folder, table, fit)
    results["leaderboard"] = [_entry(spec, fit, time.monotonic() - asked)]
    results["training_seconds"] = time.monotonic() - started
    text = json.dumps(results, ensure_ascii=False, allow_nan=False)
    (folder / RESULTS_FILE).write_text(text, encoding="utf-8")
    return results


def _predictor(prepared: PreparedTable, fit: Fit) -> NetworkModel:
    network = build_network(fit.description)
    network.load_state_dict(fit.weights)
    return NetworkModel(network, fit.description, prepared.preprocessor, prepared.table.labels)


def _about(spec: TrainSpec, table: TrainingTable) -> dict[str, Any]:
    return {
        "problem_type": spec.problem_type,
        "target_column": spec.target_column,
        "classes": list(table.labels.texts) if table.labels else [],
        "positive_class": positive_class(table.labels, spec),
        "eval_metric": METRIC,
        "train_rows": len(table.hold_out.train),
        "test_rows": len(table.hold_out.test),
    }


def _write_curves(folder: Path, table: TrainingTable, fit: Fit) -> list[PlotFile]:
    """Write the epochs as numbers and as a picture."""
    score = Loss(classes=table.labels is not None).score_name
    epochs = [dataclasses.asdict(epoch) for epoch in fit.state.history]
    assert fit.state.best is not None
    curves = {"score": score, "kept": fit.state.best, "epochs": epochs}
    (folder / CURVES_FILE).write_text(json.dumps(curves), encoding="utf-8")
    return save_plot(
        folder, "learning_curves", learning_curves_plot(epochs, score, fit.state.best)
    )


def _entry(spec: TrainSpec, fit: Fit, prediction_seconds: float) -> dict[str, Any]:
    best = fit.state.best_epoch
    assert best is not None
    return {
        "model": spec.architecture,
        "metric": METRIC,
        "score_validation": best.validation_loss,
        "fit_seconds": fit.state.seconds,
        "prediction_seconds": prediction_seconds,
        "stack_level": 1,
        "rank": 1,
    }
