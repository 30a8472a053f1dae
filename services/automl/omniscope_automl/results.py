"""Measures a finished search on the held-out rows and writes what came out."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from omniscope_automl.leaderboard import leaderboard
from omniscope_automl.search import Search, engine_frame
from omniscope_automl.spec import TrainSpec
from omniscope_automl.training_table import TrainingTable
from omniscope_ml.held_out import write_class_predictions, write_number_predictions
from omniscope_ml.labels import ClassLabels
from omniscope_ml.metrics import classification_metrics, confusion_matrix, regression_metrics
from omniscope_ml.packaging import PREDICTIONS_FILE, RESULTS_FILE
from omniscope_ml.predictor import Predictor
from omniscope_ml.tabular import TabularModel


@dataclass(frozen=True)
class HeldOutResults:
    """What the chosen model does on the rows that no training saw.

    Attributes:
        metrics: Values by name.
        confusion: Rows by true and predicted class; None for regression.
    """

    metrics: dict[str, float]
    confusion: npt.NDArray[np.int64] | None


def write_results(
    folder: Path, spec: TrainSpec, table: TrainingTable, search: Search, *, started: float
) -> dict[str, Any]:
    """Measure a search on the held-out rows; write results.json and predictions.arrow.

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
    held_out = _measure(predictor, table, spec, folder / PREDICTIONS_FILE)
    entries = leaderboard(search.engine, engine_frame(spec, table, table.hold_out.test))
    results = {
        **_about(spec, table),
        "best_model": search.engine.model_best,
        "metrics": [
            {"split": "test", "rows": len(table.hold_out.test), "values": held_out.metrics}
        ],
        "leaderboard": entries,
        "stopped_early": search.stopped_early,
        "training_seconds": time.monotonic() - started,
    }
    if table.labels is not None and held_out.confusion is not None:
        counts = held_out.confusion.reshape(-1).tolist()
        results["confusion_matrix"] = {"classes": list(table.labels.texts), "counts": counts}
    text = json.dumps(results, indent=1, ensure_ascii=False, allow_nan=False)
    (folder / RESULTS_FILE).write_text(text, encoding="utf-8")
    return results


def _measure(
    predictor: Predictor, table: TrainingTable, spec: TrainSpec, path: Path
) -> HeldOutResults:
    """Predict the held-out rows, store the predictions and measure them."""
    rows = table.hold_out.test
    frame, places = table.frame.iloc[rows], table.rows[rows]
    keys = None if table.keys is None else [table.keys[row] for row in rows]
    if table.labels is None:
        truth, numbers = table.target[rows], predictor.predict(frame)
        write_number_predictions(path, rows=places, keys=keys, truth=truth, predicted=numbers)
        return HeldOutResults(regression_metrics(truth, numbers), None)
    codes, probabilities = table.codes[rows], predictor.predict_proba(frame)
    predicted = table.labels.codes(predictor.decide(probabilities).tolist())
    write_class_predictions(
        path,
        rows=places,
        keys=keys,
        labels=table.labels,
        truth=codes,
        predicted=predicted,
        probabilities=probabilities,
    )
    positive = _positive_code(table.labels, spec)
    return HeldOutResults(
        classification_metrics(codes, predicted, probabilities, positive),
        confusion_matrix(codes, predicted, len(table.labels.values)),
    )


def positive_class(labels: ClassLabels | None, spec: TrainSpec) -> str:
    """Return the class that binary metrics call positive; empty for other problems."""
    code = None if labels is None else _positive_code(labels, spec)
    return "" if labels is None or code is None else labels.texts[code]


def _positive_code(labels: ClassLabels, spec: TrainSpec) -> int | None:
    return labels.positive_code(spec.positive_class) if spec.problem_type == "binary" else None


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
