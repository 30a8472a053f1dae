import dataclasses

import numpy as np
import pytest

from omniscope_ml.errors import DataError
from omniscope_ml.splits.divide import divide_rows
from omniscope_ml.splits.plan import SplitPlan
from omniscope_ml.splits.table import SplitTable
from omniscope_ml.training.training_table import read_training_table
from tests.unit.omniscope_ml.training.conftest import SPEC
from tests.unit.penguins import FEATURES, penguins


@pytest.fixture(scope="module")
def dataset(store):
    return store(penguins())


def test_table_has_the_features_the_classes_and_the_keys(dataset):
    table = read_training_table(dataset, SPEC)

    assert list(table.frame.columns) == list(FEATURES)
    assert table.labels is not None
    assert table.keys is not None
    assert table.labels.texts == ("Adelie", "Chinstrap", "Gentoo")
    assert table.keys[:2] == ["s0", "s1"]
    assert table.weights is None
    assert [feature.type for feature in table.features][2:] == ["int64", "string"]


def test_weights_are_read_from_their_column(dataset):
    table = read_training_table(dataset, dataclasses.replace(SPEC, weight_column="weight"))

    assert table.weights is not None
    assert np.allclose(table.weights, penguins()["weight"])


def test_text_cannot_be_regressed_on(dataset):
    spec = dataclasses.replace(SPEC, problem_type="regression", split_strategy="random")

    with pytest.raises(DataError, match="'species' is string") as caught:
        read_training_table(dataset, spec)

    assert caught.value.field == "target_column"


def test_single_class_is_refused(store):
    frame = penguins().assign(species="Adelie")

    with pytest.raises(DataError, match="fewer than two classes in the dataset"):
        read_training_table(store(frame), SPEC)


def test_random_split_that_leaves_one_class_to_train_on_is_refused(store):
    plan = SplitPlan(strategy="random", test_fraction=0.2, seed=0)
    held_out = divide_rows(plan, SplitTable(rows=150)).hold_out.test
    frame = penguins().assign(species="Adelie")
    frame.loc[held_out[0], "species"] = "Gentoo"
    spec = dataclasses.replace(SPEC, split_strategy="random")

    with pytest.raises(DataError, match="use the stratified split") as caught:
        read_training_table(store(frame), spec)

    assert caught.value.reason == "TARGET_SINGLE_CLASS"


def test_weights_that_are_zero_in_all_training_rows_are_refused(store):
    frame = penguins().assign(weight=0.0)
    frame.loc[0, ["species", "weight"]] = [None, 1.0]

    with pytest.raises(DataError, match="'weight' is 0 in every row that trains") as caught:
        read_training_table(store(frame), dataclasses.replace(SPEC, weight_column="weight"))

    assert caught.value.reason == "COLUMN_ROLE_CONFLICT"
