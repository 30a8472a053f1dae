"""What a training tells of its table, with nothing about any method."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from omniscope_ml.preprocessing.options import SelectionMethod
from omniscope_ml.splits.plan import Strategy
from omniscope_ml.training.spec import ProblemType
from tests.unit.penguins import FEATURES, store_frame


@dataclass(frozen=True)
class Spec:
    """A training of no method."""

    target_column: str = "species"
    feature_columns: tuple[str, ...] = FEATURES
    problem_type: ProblemType = "multiclass"
    positive_class: str | None = None
    key_column: str | None = "sample_id"
    weight_column: str | None = None
    split_strategy: Strategy = "stratified"
    split_column: str | None = None
    split_seed: int = 0
    test_fraction: float = 0.2
    validation_fraction: float | None = None
    folds: int | None = None
    selection_method: SelectionMethod | None = None
    selection_top_k: int | None = None


SPEC = Spec()


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Callable[[pd.DataFrame], Path]:
    """Stores a frame as a dataset and returns its file."""
    return lambda frame: store_frame(frame, tmp_path_factory.mktemp("dataset"))
