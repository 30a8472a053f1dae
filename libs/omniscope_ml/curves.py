"""Curves of class probabilities against the truth, as lists under the protocol's field names."""

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
import numpy.typing as npt

from omniscope_ml.curve_means import mean_curve
from omniscope_ml.metrics import Codes, Floats
from omniscope_ml.thinning import Line, thin

MOST_POINTS = 200
MOST_CLASSES = 40
CALIBRATION_BINS = 10

# Stands where no row is called the class: probabilities end at 1, and JSON has no infinity.
_NO_ROW = 2.0
_NONE = np.empty(0)

Mask = npt.NDArray[np.bool_]


class RocCurve(TypedDict):
    """An omniscope.common.v1.RocCurve."""

    class_name: str
    false_positive_rates: list[float]
    true_positive_rates: list[float]
    thresholds: list[float]
    area: float


class PrecisionRecallCurve(TypedDict):
    """An omniscope.common.v1.PrecisionRecallCurve."""

    class_name: str
    recalls: list[float]
    precisions: list[float]
    thresholds: list[float]
    area: float


class CalibrationCurve(TypedDict):
    """An omniscope.common.v1.CalibrationCurve."""

    class_name: str
    mean_probabilities: list[float]
    observed_shares: list[float]
    row_counts: list[int]


def roc_curves(
    truth: Codes, probabilities: Floats, classes: Sequence[str], positive: int | None
) -> list[RocCurve]:
    """Return a curve per class, one against the rest, and their mean.

    Args:
        truth: Class of each row, shape (rows,).
        probabilities: Shape (rows, classes).
        classes: Their names.
        positive: The one class to draw; None for more than two classes: each, then the mean with
            an empty name. A class that no row or every row is of has no curve, and then there is
            no mean either; of more than 40 classes there is only the mean.
    """
    chosen = _defined(truth, len(classes), positive)
    curves = [_roc(truth == c, probabilities[:, c], classes[c]) for c in chosen]
    mean: list[RocCurve] = []
    if len(curves) == len(classes):
        x, y = mean_curve(
            [_points(c["false_positive_rates"], c["true_positive_rates"]) for c in curves]
        )
        mean = [_roc_curve("", x, y, _NONE, _mean_area(curves))]
    return [*(curves if len(classes) <= MOST_CLASSES else []), *mean]


def precision_recall_curves(
    truth: Codes, probabilities: Floats, classes: Sequence[str], positive: int | None
) -> list[PrecisionRecallCurve]:
    """Return a curve per class, one against the rest, and their mean, as `roc_curves` does."""
    chosen = _defined(truth, len(classes), positive)
    curves = [_precision_recall(truth == c, probabilities[:, c], classes[c]) for c in chosen]
    mean: list[PrecisionRecallCurve] = []
    if len(curves) == len(classes):
        x, y = mean_curve([_points(c["recalls"], c["precisions"]) for c in curves])
        mean = [_precision_recall_curve("", x, y, _NONE, _mean_area(curves))]
    return [*(curves if len(classes) <= MOST_CLASSES else []), *mean]


def calibration_curves(
    truth: Codes, probabilities: Floats, classes: Sequence[str], positive: int | None
) -> list[CalibrationCurve]:
    """Return the calibration of the positive class, or of each of at most 40 classes.

    Args: as of `roc_curves`.
    """
    chosen = range(len(classes)) if positive is None else (positive,)
    if len(chosen) > MOST_CLASSES:
        return []
    return [_calibration(truth == c, probabilities[:, c], classes[c]) for c in chosen]


def _defined(truth: Codes, classes: int, positive: int | None) -> list[int]:
    rows = np.bincount(truth, minlength=classes)
    chosen = range(classes) if positive is None else (positive,)
    return [code for code in chosen if 0 < rows[code] < len(truth)]


def _points(x: list[float], y: list[float]) -> tuple[Line, Line]:
    return np.asarray(x), np.asarray(y)


def _mean_area(curves: Sequence[RocCurve] | Sequence[PrecisionRecallCurve]) -> float:
    return float(np.mean([curve["area"] for curve in curves]))


def _roc(is_class: Mask, score: Floats, name: str) -> RocCurve:
    from sklearn.metrics import roc_auc_score, roc_curve

    false_rates, true_rates, thresholds = roc_curve(is_class, score)
    thresholds[0] = _NO_ROW
    area = float(roc_auc_score(is_class, score))
    return _roc_curve(name, false_rates, true_rates, thresholds, area)


def _roc_curve(name: str, x: Line, y: Line, thresholds: Floats, area: float) -> RocCurve:
    kept = thin(x, y, most=MOST_POINTS)
    return {
        "class_name": name,
        "false_positive_rates": x[kept].tolist(),
        "true_positive_rates": y[kept].tolist(),
        "thresholds": thresholds[kept].tolist() if len(thresholds) else [],
        "area": area,
    }


def _precision_recall(is_class: Mask, score: Floats, name: str) -> PrecisionRecallCurve:
    from sklearn.metrics import average_precision_score, precision_recall_curve

    precisions, recalls, thresholds = precision_recall_curve(
        is_class, score, drop_intermediate=True
    )
    # scikit-learn begins at the lowest threshold and has none for the point that calls no row.
    reached = np.append(thresholds, _NO_ROW)[::-1]
    area = float(average_precision_score(is_class, score))
    return _precision_recall_curve(name, recalls[::-1], precisions[::-1], reached, area)


def _precision_recall_curve(
    name: str, x: Line, y: Line, thresholds: Floats, area: float
) -> PrecisionRecallCurve:
    kept = thin(x, y, most=MOST_POINTS)
    return {
        "class_name": name,
        "recalls": x[kept].tolist(),
        "precisions": y[kept].tolist(),
        "thresholds": thresholds[kept].tolist() if len(thresholds) else [],
        "area": area,
    }


def _calibration(is_class: Mask, score: Floats, name: str) -> CalibrationCurve:
    edges = np.linspace(0.0, 1.0, CALIBRATION_BINS + 1)[1:-1]
    bins = np.searchsorted(edges, score)
    rows = np.bincount(bins, minlength=CALIBRATION_BINS)
    filled = rows > 0
    scores = np.bincount(bins, score, CALIBRATION_BINS)[filled]
    hits = np.bincount(bins, is_class, CALIBRATION_BINS)[filled]
    return {
        "class_name": name,
        "mean_probabilities": (scores / rows[filled]).tolist(),
        "observed_shares": (hits / rows[filled]).tolist(),
        "row_counts": rows[filled].tolist(),
    }
