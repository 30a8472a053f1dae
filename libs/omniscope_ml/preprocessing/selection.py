"""Chooses the columns that say most, by training rows only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from omniscope_ml.errors import DataError
from omniscope_ml.preprocessing.archive import Arrays, texts
from omniscope_ml.preprocessing.options import SelectionOptions
from omniscope_ml.schema import Feature, align
from omniscope_ml.splits.parts import Rows

if TYPE_CHECKING:
    import pandas as pd

Matrix = npt.NDArray[np.float64]

_UNRANKED = frozenset({"string", "timestamp"})


@dataclass(frozen=True)
class FeatureSelector:
    """Learns which columns to keep.

    Attributes:
        options: How they are chosen.
    """

    options: SelectionOptions

    def fit(
        self,
        frame: "pd.DataFrame",
        features: Sequence[Feature],
        rows: Rows,
        *,
        codes: Rows | None = None,
        numbers: Matrix | None = None,
    ) -> "SelectedFeatures":
        """Choose columns by the training rows of a table; no other row is looked at.

        Numeric columns are ranked, their missing values filled with the training rows' mean;
        those that are always missing or do not vary come last. Texts and times are all kept.

        Args:
            frame: Holds at least the features, in any order.
            features: The columns to choose from.
            rows: Places of the training rows.
            codes: Class of every row of the table; for classification.
            numbers: Target of every row of the table; for regression.

        Raises:
            DataError: FEATURES_MISSING, COLUMN_DUPLICATED, FEATURE_TYPE_MISMATCH.
        """
        ranked = [feature for feature in features if feature.type not in _UNRANKED]
        target = codes if numbers is None else numbers
        values = _filled(_matrix(frame.iloc[rows], ranked))
        scores = self._scores(values, None if target is None else target[rows], numbers)
        best = np.argsort(-scores, kind="stable")[: self.options.top_k]
        names = {ranked[place].name: float(scores[place]) for place in best}
        kept = [f for f in features if f.name in names or f.type in _UNRANKED]
        return SelectedFeatures(
            names=tuple(feature.name for feature in kept),
            scores=np.array([names.get(feature.name, np.nan) for feature in kept]),
        )

    def _scores(
        self, values: Matrix, target: npt.NDArray[Any] | None, numbers: Matrix | None
    ) -> Matrix:
        varying = np.ptp(values, axis=0) > 0
        scores = np.where(varying, values.var(axis=0), -np.inf)
        if self.options.method == "variance":
            return scores
        from sklearn.feature_selection import f_classif, f_regression

        if target is None:
            raise DataError("the F-test needs a target", reason="FIELD_REQUIRED", field="method")
        test = f_classif if numbers is None else f_regression
        if varying.any():
            with np.errstate(divide="ignore"):  # a column that tells all apart has F = infinity
                scores[varying] = test(values[:, varying], target)[0]
        return np.where(np.isnan(scores), -np.inf, scores)


@dataclass(frozen=True)
class SelectedFeatures:
    """Columns that were chosen.

    Attributes:
        names: Their names, in the table's order.
        scores: What each was ranked by; NaN for those that were not ranked.
    """

    names: tuple[str, ...]
    scores: Matrix

    def transform(self, frame: "pd.DataFrame") -> "pd.DataFrame":
        """Return the chosen columns of a table."""
        return frame[list(self.names)]

    def of(self, features: Sequence[Feature]) -> tuple[Feature, ...]:
        """Return the chosen ones of the features, in their order."""
        chosen = set(self.names)
        return tuple(feature for feature in features if feature.name in chosen)

    def to_arrays(self) -> Arrays:
        """Return the choice as plain arrays, by name."""
        return {"names": texts(self.names), "scores": self.scores}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> "SelectedFeatures":
        """Restore what `to_arrays` returned.

        Raises:
            DataError: PACKAGE_CORRUPT when arrays are missing.
        """
        if missing := {"names", "scores"} - arrays.keys():
            raise DataError(
                f"the model package is damaged: its feature selection lacks {min(missing)}",
                reason="PACKAGE_CORRUPT",
            )
        return cls(tuple(arrays["names"].tolist()), arrays["scores"])


def _matrix(frame: "pd.DataFrame", ranked: Sequence[Feature]) -> Matrix:
    if not ranked:
        return np.empty((len(frame), 0))
    return align(frame, ranked).to_numpy(dtype=np.float64)


def _filled(values: Matrix) -> Matrix:
    known = np.isfinite(values)
    total = np.where(known, values, 0.0).sum(axis=0)
    means = total / np.maximum(known.sum(axis=0), 1)
    return np.where(known, values, means)
