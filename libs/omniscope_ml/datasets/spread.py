"""How the numbers of many columns spread: all columns at once, never one by one."""

from typing import Any

import numpy as np
import numpy.typing as npt

from omniscope_ml.datasets.columns import Stack

HISTOGRAM_BINS = 10

Figures = dict[str, npt.NDArray[np.floating]]
# A column under the field names of omniscope.common.v1.DatasetColumn.
ColumnProfile = dict[str, Any]


def describe_spread(stack: Stack, profiles: list[ColumnProfile]) -> None:
    """Add to each column's profile how many values are missing, and how the others spread."""
    values = stack.values.astype(np.float64)
    missing = np.isnan(values) if stack.missing is None else stack.missing
    missing_counts = missing.sum(axis=1)
    present = values.shape[1] - missing_counts
    # Absurd magnitudes overflow the variance; what is not finite is then left out.
    with np.errstate(all="ignore"):
        mean = np.where(missing, 0.0, values).sum(axis=1) / present
        squares = np.where(missing, 0.0, values - mean[:, None]) ** 2
        deviation = np.sqrt(squares.sum(axis=1) / np.maximum(present - 1, 0))
    lowest = np.where(missing, np.inf, values).min(axis=1)
    highest = np.where(missing, -np.inf, values).max(axis=1)
    bins = histogram_bins(values, lowest[:, None], highest[:, None])
    bins[missing] = HISTOGRAM_BINS
    bins += np.arange(len(values))[:, None] * (HISTOGRAM_BINS + 1)
    counts = np.bincount(bins.reshape(-1), minlength=len(values) * (HISTOGRAM_BINS + 1))
    add_figures(
        profiles,
        {"min": lowest, "mean": mean, "max": highest, "standard_deviation": deviation},
        counts.reshape(len(values), HISTOGRAM_BINS + 1)[:, :HISTOGRAM_BINS],
    )
    constant = _constant(stack.values, missing)
    for described, count, one in zip(
        profiles, missing_counts.tolist(), constant.tolist(), strict=True
    ):
        described["missing_count"] = count
        described["constant"] = one


def histogram_bins(
    values: npt.NDArray[np.floating],
    lowest: npt.NDArray[np.floating],
    highest: npt.NDArray[np.floating],
) -> npt.NDArray[np.int64]:
    """Return the bin of each value, between its column's smallest and largest, of equal width.

    Args:
        values: NaN counts as the smallest.
        lowest: Smallest value of each one's column, in a shape that broadcasts.
        highest: Largest value, in the same shape.
    """
    with np.errstate(all="ignore"):
        span = highest - lowest
        spreads = np.isfinite(span) & (span > 0)
        start, factor = np.where(spreads, lowest, 0.0), HISTOGRAM_BINS / np.where(spreads, span, 1)
        places = (values - start) * factor
    return np.fmax(np.fmin(places, HISTOGRAM_BINS - 1), 0).astype(np.int64)


def add_figures(
    profiles: list[ColumnProfile], figures: Figures, counts: npt.NDArray[np.int64]
) -> None:
    """Write figures into the profiles.

    What is not finite is left out, and the histogram of a column that does not spread.
    """
    for name, column_figures in figures.items():
        finite = np.isfinite(column_figures).tolist()
        for described, value, known in zip(profiles, column_figures.tolist(), finite, strict=True):
            if known:
                described[name] = value
    with np.errstate(all="ignore"):
        span = figures["max"] - figures["min"]
    spreads = (np.isfinite(span) & (span > 0)).tolist()
    for described, histogram, spread in zip(profiles, counts.tolist(), spreads, strict=True):
        if spread:
            described["histogram"] = histogram


def _constant(
    values: npt.NDArray[np.generic], missing: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Tell which columns have one value in all rows that have any."""
    first_present = missing.argmin(axis=1)
    first = values[np.arange(len(values)), first_present]
    return np.asarray(((values == first[:, None]) | missing).all(axis=1))
