"""Predictions of the chosen model for the held-out rows: stored, and measured."""

from pathlib import Path
from typing import Any

from omniscope_ml.evaluation import evaluate_classes, evaluate_numbers
from omniscope_ml.held_out import write_class_predictions, write_number_predictions
from omniscope_ml.labels import ClassLabels
from omniscope_ml.predictor import Predictor
from omniscope_ml.training.spec import TableSpec
from omniscope_ml.training.training_table import TrainingTable


def measure_held_out_rows(
    predictor: Predictor, table: TrainingTable, spec: TableSpec, path: Path
) -> dict[str, Any]:
    """Predict the held-out rows, store the predictions at `path` and measure them.

    Returns:
        Metrics, confusion matrix, curves or residuals under the field names of
        omniscope.common.v1.ModelResults.
    """
    rows = table.hold_out.test
    frame, places = table.frame.iloc[rows], table.rows[rows]
    keys = None if table.keys is None else [table.keys[row] for row in rows]
    if table.labels is None:
        truth, numbers = table.target[rows], predictor.predict(frame)
        write_number_predictions(path, rows=places, keys=keys, truth=truth, predicted=numbers)
        return evaluate_numbers(truth, numbers)
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
    positive = positive_code(table.labels, spec)
    return evaluate_classes(codes, predicted, probabilities, table.labels.texts, positive)


def positive_class(labels: ClassLabels | None, spec: TableSpec) -> str:
    """Return the class that binary metrics call positive; empty for other problems."""
    code = None if labels is None else positive_code(labels, spec)
    return "" if labels is None or code is None else labels.texts[code]


def positive_code(labels: ClassLabels, spec: TableSpec) -> int | None:
    """Return the place of the positive class; None unless there are two classes."""
    return labels.positive_code(spec.positive_class) if spec.problem_type == "binary" else None
