"""Measures predictions against the truth. A metric that is undefined is absent, never NaN."""

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.floating]

# Probabilities are kept this far from 0 and 1 in the log loss.
_SMALLEST_PROBABILITY = 1e-15


def classification_metrics(
    truth: Codes, predicted: Codes, probabilities: Floats, positive: int | None
) -> dict[str, float]:
    """Measure class predictions.

    Args:
        truth: Class of each row, shape (rows,).
        predicted: Predicted class of each row, shape (rows,).
        probabilities: Shape (rows, classes).
        positive: The class that binary metrics call positive; None for more than two classes,
            where f1, roc_auc and pr_auc are means over the classes, one against the rest.

    Returns:
        accuracy, balanced_accuracy, f1, mcc, roc_auc, pr_auc, log_loss and brier, as far as they
        are defined. brier is the mean squared error of the positive class's probability, or the
        mean over rows of the squared errors summed over classes.
    """
    classes = probabilities.shape[1]
    counts = confusion_matrix(truth, predicted, classes).astype(np.float64)
    measured = {
        "accuracy": float(np.mean(truth == predicted)),
        "balanced_accuracy": _mean(_recalls(counts)),
        "f1": _f1(counts, positive),
        "mcc": _mcc(counts),
        "log_loss": _log_loss(truth, probabilities),
        "brier": _brier(truth, probabilities, positive),
        **_ranking(truth, probabilities, positive),
    }
    return defined(measured)


def regression_metrics(truth: Floats, predicted: Floats) -> dict[str, float]:
    """Return rmse, mae and r2 of predicted numbers, as far as they are defined."""
    error = predicted - truth
    # Of equal values the mean may be off by rounding, which a division would blow up.
    spread = float(np.sum((truth - truth.mean()) ** 2)) if np.ptp(truth) > 0 else 0.0
    return defined(
        {
            "rmse": float(np.sqrt(np.mean(error**2))),
            "mae": float(np.mean(np.abs(error))),
            "r2": 1.0 - float(np.sum(error**2)) / spread if spread > 0 else math.nan,
        }
    )


def confusion_matrix(truth: Codes, predicted: Codes, classes: int) -> npt.NDArray[np.int64]:
    """Count rows by true and predicted class, shape (classes, classes)."""
    counts = np.bincount(truth * classes + predicted, minlength=classes * classes)
    return counts.reshape(classes, classes)


def defined(measured: Mapping[str, float]) -> dict[str, float]:
    """Leave out what is not a finite number."""
    return {name: value for name, value in measured.items() if math.isfinite(value)}


def _recalls(counts: Floats) -> Floats:
    rows = counts.sum(axis=1)
    present = rows > 0
    return np.asarray(np.diag(counts)[present] / rows[present])


def _f1(counts: Floats, positive: int | None) -> float:
    hits = np.diag(counts)
    total = counts.sum(axis=0) + counts.sum(axis=1)
    with np.errstate(invalid="ignore"):
        by_class = 2 * hits / total
    if positive is not None:
        return float(by_class[positive])
    return _mean(by_class[~np.isnan(by_class)])


def _mcc(counts: Floats) -> float:
    rows, true, said = counts.sum(), counts.sum(axis=1), counts.sum(axis=0)
    scale = math.sqrt((rows**2 - (said**2).sum()) * (rows**2 - (true**2).sum()))
    agreement = float(np.trace(counts) * rows - (true * said).sum())
    return agreement / scale if scale > 0 else math.nan


def _log_loss(truth: Codes, probabilities: Floats) -> float:
    given = probabilities[np.arange(len(truth)), truth]
    # Subtracted, for the negative of zero is a zero that is written with a sign.
    return 0.0 - float(np.mean(np.log(np.clip(given, _SMALLEST_PROBABILITY, 1.0))))


def _brier(truth: Codes, probabilities: Floats, positive: int | None) -> float:
    if positive is not None:
        return float(np.mean((probabilities[:, positive] - (truth == positive)) ** 2))
    wanted = np.eye(probabilities.shape[1])[truth]
    return float(np.mean(((probabilities - wanted) ** 2).sum(axis=1)))


def _ranking(truth: Codes, probabilities: Floats, positive: int | None) -> dict[str, float]:
    from sklearn.metrics import average_precision_score, roc_auc_score

    chosen = range(probabilities.shape[1]) if positive is None else (positive,)
    areas, precisions = [], []
    for code in chosen:
        is_class = truth == code
        if is_class.all() or not is_class.any():
            return {}
        areas.append(float(roc_auc_score(is_class, probabilities[:, code])))
        precisions.append(float(average_precision_score(is_class, probabilities[:, code])))
    return {"roc_auc": _mean(np.array(areas)), "pr_auc": _mean(np.array(precisions))}


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else math.nan
