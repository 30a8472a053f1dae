"""AutoGluon by itself, without what this service does to it."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from autogluon.tabular import TabularPredictor

from tests.unit.penguins import FEATURES, penguins

FitPlainly = Callable[..., TabularPredictor]


@pytest.fixture
def fit_plainly(tmp_path: Path) -> FitPlainly:
    """Fits penguins' species with a predictor that only says where its files go."""

    def fit(**arguments: Any) -> TabularPredictor:
        frame = arguments.pop("frame", penguins())
        columns = arguments.pop("columns", FEATURES)
        predictor = TabularPredictor(
            "species", path=str(tmp_path / "search"), **arguments.pop("predictor", {})
        )
        arguments = {"hyperparameters": {"KNN": {}, "LR": {}}, "num_gpus": 0} | arguments
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            predictor.fit(frame[[*columns, "species"]], **arguments)
        return predictor

    return fit
