"""Everything that a model is measured by, under the field names of omniscope.common.v1."""

from collections.abc import Sequence
from typing import Any

from omniscope_ml.curves import calibration_curves, precision_recall_curves, roc_curves
from omniscope_ml.metrics import (
    Codes,
    Floats,
    classification_metrics,
    confusion_matrix,
    regression_metrics,
)
from omniscope_ml.residuals import residuals

HELD_OUT = "test"
"""Name of the rows that no training saw."""


def evaluate_classes(
    truth: Codes,
    predicted: Codes,
    probabilities: Floats,
    classes: Sequence[str],
    positive: int | None,
) -> dict[str, Any]:
    """Measure class predictions on held-out rows.

    Args:
        truth: Class of each row, shape (rows,).
        predicted: Predicted class of each row, shape (rows,).
        probabilities: Shape (rows, classes).
        classes: Their names.
        positive: The class that binary metrics call positive; None for more than two classes.

    Returns:
        metrics, confusion_matrix and curves of ModelResults.
    """
    values = classification_metrics(truth, predicted, probabilities, positive)
    counts = confusion_matrix(truth, predicted, len(classes))
    given = truth, probabilities, classes, positive
    return {
        "metrics": [_metric_set(len(truth), values)],
        "confusion_matrix": {"classes": list(classes), "counts": counts.reshape(-1).tolist()},
        "roc_curves": roc_curves(*given),
        "precision_recall_curves": precision_recall_curves(*given),
        "calibration_curves": calibration_curves(*given),
    }


def evaluate_numbers(truth: Floats, predicted: Floats) -> dict[str, Any]:
    """Measure predicted numbers on held-out rows, shape (rows,): metrics and residuals."""
    return {
        "metrics": [_metric_set(len(truth), regression_metrics(truth, predicted))],
        "residuals": residuals(truth, predicted),
    }


def _metric_set(rows: int, values: dict[str, float]) -> dict[str, Any]:
    return {"split": HELD_OUT, "rows": rows, "values": values}
