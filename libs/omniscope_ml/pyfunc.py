"""Lets plain `mlflow.pyfunc.load_model` and `mlflow models serve` use a model package."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from omniscope_ml.kinds import load_package
from omniscope_ml.predictor import Predictor

if TYPE_CHECKING:
    import pandas as pd


class PythonModel:
    """A predictor with the one method that MLflow calls."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor

    def predict(
        self, frame: "pd.DataFrame", params: dict[str, Any] | None = None
    ) -> "pd.DataFrame":
        """Return column `prediction` and, for classes, `probability_<class>` columns.

        Args:
            frame: At least the model's features, in any order.
            params: What MLflow hands on; this model takes none.
        """
        import pandas as pd

        if not self._predictor.classes:
            return pd.DataFrame({"prediction": self._predictor.predict(frame)}, index=frame.index)
        probabilities = self._predictor.predict_proba(frame)
        answer = {"prediction": self._predictor.decide(probabilities)}
        for place, name in enumerate(self._predictor.classes):
            answer[probability_column(name)] = probabilities[:, place]
        return pd.DataFrame(answer, index=frame.index)


def probability_column(class_name: str) -> str:
    """Return the output column that holds a class's probability."""
    return f"probability_{class_name}"


def _load_pyfunc(path: str) -> PythonModel:
    """Load the package: MLflow's entry point, found by this name."""
    return PythonModel(load_package(Path(path)))
