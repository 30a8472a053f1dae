"""One way to ask any trained model."""

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd


class Predictor(Protocol):
    """A trained model, ready to answer.

    Frames hold at least the model's features, in any order; further columns are ignored. Missing
    ones raise DataError, reason FEATURES_MISSING, naming them.
    """

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The columns that it reads."""
        ...

    @property
    def classes(self) -> tuple[str, ...]:
        """Its classes in the order of every probability vector; empty for regression."""
        ...

    def predict(self, frame: "pd.DataFrame") -> npt.NDArray[Any]:
        """Return native labels or numbers, shape (rows,)."""
        ...

    def predict_proba(self, frame: "pd.DataFrame") -> npt.NDArray[np.float64]:
        """Return probabilities, shape (rows, classes).

        Raises:
            DataError: NO_PROBABILITIES for regression.
        """
        ...

    def decide(self, probabilities: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
        """Return the label that each row of probabilities stands for, as `predict` would."""
        ...
