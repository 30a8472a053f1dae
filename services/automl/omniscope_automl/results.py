"""Writes what came out of a finished search: results, plots and held-out predictions."""

import json
import time
from pathlib import Path
from typing import Any

from omniscope_automl.engine.arguments import engine_frame
from omniscope_automl.engine.leaderboard import leaderboard
from omniscope_automl.engine.search import Search
from omniscope_automl.spec import TrainSpec
from omniscope_ml.packaging import PREDICTIONS_FILE, RESULTS_FILE
from omniscope_ml.plots.drawing import write_plots
from omniscope_ml.tabular import TabularModel
from omniscope_ml.training.held_out_rows import measure_held_out_rows, positive_class
from omniscope_ml.training.training_table import TrainingTable


def write_results(
    folder: Path, spec: TrainSpec, table: TrainingTable, search: Search, *, started: float
) -> dict[str, Any]:
    """Measure a search on the held-out rows; write results.json, plots and predictions.arrow.

    Args:
        folder: The package.
        spec: What was asked for.
        table: The rows.
        search: What was found.
        started: When the training began, by time.monotonic.

    Returns:
        The results under the field names of omniscope.common.v1.ModelResults.
    """
    predictor = TabularModel(search.engine, table.features, table.labels)
    results = {
        **_about(spec, table),
        **measure_held_out_rows(predictor, table, spec, folder / PREDICTIONS_FILE),
        "best_model": search.engine.model_best,
        "leaderboard": leaderboard(search.engine, engine_frame(spec, table, table.hold_out.test)),
        "stopped_early": search.stopped_early,
    }
    results["plots"] = write_plots(folder, results)
    results["training_seconds"] = time.monotonic() - started
    # Thousands of points, each on a line of its own, would help nobody.
    text = json.dumps(results, ensure_ascii=False, allow_nan=False)
    (folder / RESULTS_FILE).write_text(text, encoding="utf-8")
    return results


def _about(spec: TrainSpec, table: TrainingTable) -> dict[str, Any]:
    return {
        "problem_type": spec.problem_type,
        "target_column": spec.target_column,
        "classes": list(table.labels.texts) if table.labels else [],
        "positive_class": positive_class(table.labels, spec),
        "eval_metric": spec.eval_metric,
        "train_rows": len(table.hold_out.train),
        "test_rows": len(table.hold_out.test),
    }
