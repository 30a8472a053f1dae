"""Columns that are chosen on training rows: stored with the model and applied by it."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from omniscope_ml.kinds import load_package
from omniscope_ml.packaging import verify_package
from omniscope_ml.preprocessing.archive import read_arrays
from omniscope_ml.preprocessing.selection import SelectedFeatures
from omniscope_ml.pyfunc import _load_pyfunc
from omniscope_ml.training.training_table import read_training_table
from tests.unit.omniscope_automl.conftest import SPEC, Train, Training
from tests.unit.penguins import penguins

NOISE = tuple(f"noise{number}" for number in range(40))
CHOOSING = dataclasses.replace(
    SPEC,
    feature_columns=("gene1", "gene2", "count", "island", *NOISE),
    selection_method="f_test",
    selection_top_k=3,
    validation_fraction=0.25,
)


def noisy_penguins() -> pd.DataFrame:
    frame = penguins()
    noise = np.random.default_rng(1).normal(size=(len(frame), len(NOISE)))
    return pd.concat([frame, pd.DataFrame(noise, columns=list(NOISE))], axis=1)


@pytest.fixture(scope="module")
def chosen(train_model: Train) -> Training:
    return train_model(CHOOSING, noisy_penguins())


def test_only_the_columns_that_say_most_are_trained_on(chosen: Training) -> None:
    manifest = verify_package(chosen.package)

    assert [feature.name for feature in manifest.features] == ["gene1", "gene2", "count", "island"]
    assert manifest.preprocessing["feature_selection"] == {
        "method": "f_test",
        "top_k": 3,
        "columns": 44,
        "file": "feature_selection.npz",
    }
    assert "chosen from 44 columns by f_test" in (chosen.package / "README.md").read_text()


def test_the_choice_and_its_scores_are_stored_as_arrays(chosen: Training) -> None:
    stored = SelectedFeatures.from_arrays(read_arrays(chosen.package / "feature_selection.npz"))

    assert stored.names == ("gene1", "gene2", "count", "island")
    assert (stored.scores[:3] > 30).all()


def test_the_model_chooses_by_itself_in_prediction(chosen: Training) -> None:
    frame = noisy_penguins().sample(frac=1, axis=1, random_state=0)
    fewer = frame.drop(columns=list(NOISE))

    ours = load_package(chosen.package).predict(frame)
    through_mlflow = _load_pyfunc(str(chosen.package)).predict(fewer)

    assert through_mlflow["prediction"].tolist() == ours.tolist()
    assert np.mean(ours == frame["species"]) > 0.9


def test_the_plan_and_its_rows_are_stored_with_the_model(train_model: Train, store) -> None:
    frame = penguins()
    frame["patient"] = [f"p{row // 5}" for row in range(len(frame))]
    spec = dataclasses.replace(SPEC, split_strategy="group", split_column="patient", folds=3)

    training = train_model(spec, frame)

    split = verify_package(training.package).split
    assert (split["strategy"], split["column"], split["folds"]) == ("group", "patient", 3)
    assert split["train_rows"] + split["test_rows"] == 150
    assert "by column `patient`" in (training.package / "README.md").read_text()
    held_out = pd.read_feather(training.package / "predictions.arrow")
    table = read_training_table(store(frame), spec)
    assert held_out["row"].tolist() == table.hold_out.test.tolist()
