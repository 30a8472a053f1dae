"""A model that AutoGluon trained, behind the suite's Predictor."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from omniscope_ml.errors import DataError
from omniscope_ml.labels import ClassLabels
from omniscope_ml.packaging import Manifest
from omniscope_ml.schema import Feature, align

if TYPE_CHECKING:
    import pandas as pd
    from autogluon.tabular import TabularPredictor


class TabularModel:
    """Wraps AutoGluon's predictor: columns in any order, classes in the suite's order.

    Args:
        engine: The fitted predictor.
        features: The columns that it was trained on.
        labels: The classes; None for regression.
    """

    payload_note: ClassVar = (
        "The payload is a pickle: load this\nfolder only if you trust where it comes from."
    )

    def __init__(
        self,
        engine: "TabularPredictor",
        features: tuple[Feature, ...],
        labels: ClassLabels | None,
    ) -> None:
        self._engine = engine
        self._features = features
        self._labels = labels

    @classmethod
    def load(cls, payload: Path, manifest: Manifest) -> "TabularModel":
        """Load AutoGluon's folder, of the very version that wrote it."""
        from autogluon.tabular import TabularPredictor

        engine = TabularPredictor.load(str(payload), verbosity=0, require_py_version_match=False)
        labels = None
        if manifest.classes:
            labels = ClassLabels.from_texts(manifest.classes, manifest.label_type)
        return cls(engine, manifest.features, labels)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The columns that it reads."""
        return tuple(feature.name for feature in self._features)

    @property
    def classes(self) -> tuple[str, ...]:
        """Its classes in the order of every probability vector; empty for regression."""
        return self._labels.texts if self._labels else ()

    def predict(self, frame: "pd.DataFrame") -> npt.NDArray[Any]:
        """Return native labels or numbers, shape (rows,)."""
        if self._labels is not None:
            return self.decide(self.predict_proba(frame))
        predicted = self._engine.predict(align(frame, self._features), as_pandas=False)
        return np.asarray(predicted, dtype=np.float64)

    def predict_proba(self, frame: "pd.DataFrame") -> npt.NDArray[np.float64]:
        """Return probabilities, shape (rows, classes)."""
        labels = self._classification()
        probabilities = self._engine.predict_proba(align(frame, self._features))
        # A class without a training row is unknown to AutoGluon.
        ordered = probabilities.reindex(columns=list(labels.values), fill_value=0.0)
        return np.asarray(ordered, dtype=np.float64)

    def decide(self, probabilities: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
        """Return the label of each row; for two classes by AutoGluon's calibrated threshold."""
        labels = self._classification()
        if len(labels.values) != 2:
            return labels.native(probabilities.argmax(axis=1))
        positive = labels.values.index(self._engine.positive_class)
        above = probabilities[:, positive] > self._engine.decision_threshold
        return labels.native(np.where(above, positive, 1 - positive))

    def _classification(self) -> ClassLabels:
        if self._labels is None:
            raise DataError("a regression model has no probabilities", reason="NO_PROBABILITIES")
        return self._labels
