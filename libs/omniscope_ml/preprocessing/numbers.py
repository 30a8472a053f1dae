"""Imputes and scales numeric columns, all at once."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from omniscope_ml.preprocessing.archive import Arrays
from omniscope_ml.preprocessing.options import PreprocessingOptions

Matrix = npt.NDArray[np.float64]

# A spread below this share of the values is rounding.
_ROUNDING = 10 * np.finfo(np.float64).eps
# Sums of the squares of larger ones overflow; they are the marks of some programs for "no value".
_LARGEST = 1e150
# Of larger ones a network of 32 bits makes infinities.
_LARGEST_SCALED = 1e12


@dataclass(frozen=True)
class NumberTransform:
    """A transform fitted to numeric columns; every array has shape (columns,).

    Attributes:
        log1p: Whether logarithms are taken first.
        fill: Stands for a missing value, after the logarithm.
        center: Is subtracted.
        scale: Divides.
        indicated: Columns that get an indicator of missing values.
    """

    log1p: bool
    fill: Matrix
    center: Matrix
    scale: Matrix
    indicated: npt.NDArray[np.bool_]

    @classmethod
    def fit(cls, values: Matrix, options: PreprocessingOptions) -> "NumberTransform":
        """Learn from training rows, shape (rows, columns), missing values as NaN."""
        known = _known(values, options.log1p)
        missing = np.isnan(known)
        fill = _fill(known, missing, options)
        center, scale = _scaling(np.where(missing, fill, known), options)
        indicated = np.asarray(missing.any(axis=0) & options.indicators)
        return cls(options.log1p, fill, center, scale, indicated)

    def transform(self, values: Matrix) -> npt.NDArray[np.float32]:
        """Return scaled columns, then the indicators, shape (rows, columns + indicators).

        What is further than 1e12 from 0 is brought there.
        """
        known = _known(values, self.log1p)
        missing = np.isnan(known)
        np.copyto(known, self.fill, where=missing)
        known -= self.center
        known /= self.scale
        np.clip(known, -_LARGEST_SCALED, _LARGEST_SCALED, out=known)
        indicators = missing[:, self.indicated]
        return np.hstack([known, indicators]).astype(np.float32)

    def to_arrays(self) -> Arrays:
        """Return what was learned."""
        return {
            "log1p": np.array(self.log1p),
            "fill": self.fill,
            "center": self.center,
            "scale": self.scale,
            "indicated": self.indicated,
        }

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> "NumberTransform":
        """Restore what `to_arrays` returned."""
        return cls(**{**arrays, "log1p": bool(arrays["log1p"])})  # type: ignore[arg-type]  # by name


def _known(values: Matrix, log1p: bool) -> Matrix:
    """Return a copy with infinite values, and others beyond 1e150, as missing ones."""
    known = np.where(np.abs(values) <= _LARGEST, values, np.nan)
    return np.sign(known) * np.log1p(np.abs(known)) if log1p else known


def _fill(known: Matrix, missing: npt.NDArray[np.bool_], options: PreprocessingOptions) -> Matrix:
    constant = np.full(known.shape[1], options.constant, dtype=np.float64)
    counts = known.shape[0] - missing.sum(axis=0)
    if options.imputation == "constant":
        return constant
    if options.imputation == "mean":
        found = np.nansum(known, axis=0) / np.maximum(counts, 1)
    else:
        ordered = np.sort(known, axis=0)  # missing values come last
        middle = _median if options.imputation == "median" else _most_frequent
        found = middle(ordered, np.maximum(counts, 1))
    return np.where(counts > 0, found, constant)


def _median(ordered: Matrix, counts: npt.NDArray[np.int64]) -> Matrix:
    below, above = (counts - 1) // 2, counts // 2
    columns = np.arange(ordered.shape[1])
    return np.asarray((ordered[below, columns] + ordered[above, columns]) / 2)


def _most_frequent(ordered: Matrix, counts: npt.NDArray[np.int64]) -> Matrix:
    places = np.arange(len(ordered))[:, None]
    begins = np.ones(ordered.shape, dtype=bool)
    begins[1:] = ordered[1:] != ordered[:-1]
    length = places - np.maximum.accumulate(np.where(begins, places, 0), axis=0)
    length[places >= counts] = -1
    return np.asarray(ordered[length.argmax(axis=0), np.arange(ordered.shape[1])])


def _scaling(filled: Matrix, options: PreprocessingOptions) -> tuple[Matrix, Matrix]:
    columns = filled.shape[1]
    if options.scaling == "none":
        return np.zeros(columns), np.ones(columns)
    if options.scaling == "standard":
        center, scale = filled.mean(axis=0), filled.std(axis=0)
    else:
        low, center, high = np.percentile(filled, [25, 50, 75], axis=0)
        scale = high - low
    still = scale <= _ROUNDING * np.abs(center)
    return center, np.where(still, 1.0, scale)
