"""Texts that no training row had count as the mean of those that training rows have."""

import numpy as np
import pandas as pd
import pytest

from omniscope_ml.kinds import load_package

SICK_OF_U, SICK_OF_V = 0.95, 0.05


@pytest.fixture
def wards(stored_table):
    """Wards `u` and `v` of 200 patients each; being sick is nearly a matter of the ward."""
    ward = np.array(["u", "v"] * 200)
    noise = np.random.default_rng(0).random(400)
    sick = noise < np.where(ward == "u", SICK_OF_U, SICK_OF_V)
    stored_table(ward=ward, sick=sick.astype(int))


@pytest.mark.parametrize("seed", [2, 3])
def test_a_new_or_missing_text_is_predicted_between_those_that_are_known(
    train_network, make_spec, wards, seed
):
    spec = make_spec(
        target_column="sick",
        feature_columns=("ward",),
        problem_type="binary",
        seed=seed,
        options={"epochs": 60},
    )
    model = load_package(train_network(spec, "table").package)
    asked = pd.DataFrame({"ward": ["u", "v", "w", None]}, dtype=object)

    of_u, of_v, *unknown = model.predict_proba(asked)[:, 1]

    assert of_u > 0.8
    assert of_v < 0.2
    assert unknown[0] == unknown[1]
    assert of_v < unknown[0] < of_u
