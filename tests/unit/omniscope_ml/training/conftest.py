"""What a training tells of its table, with nothing about any method."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from omniscope_ml.training.spec import TableSpec
from tests.unit.penguins import FEATURES, store_frame

SPEC = TableSpec(
    job_id="job",
    attempt=1,
    dataset_id="penguins",
    dataset_digest="0" * 64,
    target_column="species",
    feature_columns=FEATURES,
    problem_type="multiclass",
    key_column="sample_id",
)


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Callable[[pd.DataFrame], Path]:
    """Stores a frame as a dataset and returns its file."""
    return lambda frame: store_frame(frame, tmp_path_factory.mktemp("dataset"))
