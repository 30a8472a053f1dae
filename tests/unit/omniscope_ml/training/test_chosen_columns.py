"""Columns are chosen by the rows that models are fitted on, and by no other."""

import dataclasses

import numpy as np
import pandas as pd

from omniscope_ml.training.training_table import read_training_table
from tests.unit.omniscope_ml.training.conftest import SPEC
from tests.unit.penguins import FEATURES, penguins

NOISE = tuple(f"noise{number}" for number in range(40))
CHOOSING = dataclasses.replace(
    SPEC,
    feature_columns=(*FEATURES, *NOISE),
    selection_method="f_test",
    selection_top_k=3,
    validation_fraction=0.25,
)


def noisy_penguins() -> pd.DataFrame:
    frame = penguins()
    noise = np.random.default_rng(1).normal(size=(len(frame), len(NOISE)))
    return pd.concat([frame, pd.DataFrame(noise, columns=list(NOISE))], axis=1)


def test_rows_that_validate_or_are_held_out_choose_nothing(store) -> None:
    frame = noisy_penguins()
    table = read_training_table(store(frame), CHOOSING)
    (fold,) = table.folds
    judged = np.concatenate([fold.validation, table.hold_out.test])
    frame.loc[judged, "noise7"] = 100.0 * table.codes[judged]

    again = read_training_table(store(frame), CHOOSING)

    assert table.selection is not None
    assert again.selection is not None
    assert again.selection.names == table.selection.names
    assert np.array_equal(again.selection.scores, table.selection.scores, equal_nan=True)


def test_numbers_choose_columns_for_a_regression(store) -> None:
    spec = dataclasses.replace(
        CHOOSING, target_column="mass", problem_type="regression", split_strategy="random"
    )

    table = read_training_table(store(noisy_penguins()), spec)

    assert [feature.name for feature in table.features] == ["gene1", "gene2", "count", "island"]
