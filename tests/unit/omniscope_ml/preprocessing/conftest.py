"""A table with every type of column, and gaps."""

import numpy as np
import pandas as pd
import pytest

from omniscope_ml.schema import Feature

FEATURES = (
    Feature("gene", "float32"),
    Feature("stage", "string"),
    Feature("count", "int64"),
    Feature("smoker", "bool"),
    Feature("visit", "timestamp"),
)


@pytest.fixture
def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "gene": rng.normal(5, 2, 60).astype(np.float32),
            "stage": rng.choice(["I", "II", "III"], 60).astype(object),
            "count": rng.integers(0, 9, 60),
            "smoker": rng.random(60) > 0.5,
            "visit": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 900, 60), "D"),
        }
    )
    frame.loc[[3, 50], "gene"] = np.nan
    frame.loc[4, "stage"] = None
    frame.loc[5, "visit"] = pd.NaT
    return frame
