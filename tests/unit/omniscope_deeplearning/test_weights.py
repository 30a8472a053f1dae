"""Rows may weigh differently, also nothing at all."""

import dataclasses

import numpy as np
import pytest

from omniscope_deeplearning.options import TrainingOptions
from omniscope_ml.errors import DataError

ROWS = 400


def weighted_spec(make_spec, **options):
    spec = make_spec()
    return dataclasses.replace(
        spec,
        target_column="y",
        feature_columns=("x",),
        problem_type="regression",
        weight_column="weight",
        split_strategy="random",
        training=TrainingOptions(**options),
    )


@pytest.mark.slow
def test_batches_without_any_weight_do_no_harm(stored_table, train_network, make_spec):
    weight = (np.arange(ROWS) % 20 == 0).astype(float)
    x = np.random.default_rng(0).normal(size=ROWS)
    stored_table(x=x, y=2 * x, weight=weight)

    training = train_network(weighted_spec(make_spec, epochs=20, batch_size=4), "table")

    assert training.held_out["r2"] > 0.8


@pytest.mark.slow
def test_a_row_counts_by_its_weight_whatever_batch_it_is_in(
    stored_table, train_network, make_spec
):
    y = (np.arange(ROWS) % 20 == 0).astype(float)
    unrelated = (np.arange(ROWS) // 20 % 2).astype(float)
    stored_table(x=unrelated, y=y, weight=np.where(y == 1, 19.0, 1.0))
    spec = weighted_spec(
        make_spec,
        epochs=40,
        batch_size=4,
        optimizer="sgd",
        learning_rate=0.001,
        gradient_clip=None,
        dropout=0.0,
        schedule="none",
        patience=None,
    )

    training = train_network(spec, "table")

    # Rare ones weigh as much as all others together; each batch by itself would give 0.2.
    assert training.predictions["prediction"].mean() == pytest.approx(0.5, abs=0.1)


def test_a_part_without_any_weight_is_refused(stored_table, train_network, make_spec):
    x = np.random.default_rng(0).normal(size=ROWS)
    part = np.array(["train", "validation", "test", "train"])[np.arange(ROWS) % 4]
    stored_table(x=x, y=2 * x, weight=(part != "validation").astype(float), part=part)
    spec = dataclasses.replace(
        weighted_spec(make_spec, epochs=2),
        split_strategy="predefined",
        split_column="part",
        validation_fraction=None,
    )

    with pytest.raises(DataError, match="in every row that validates") as refused:
        train_network(spec, "table")

    assert (refused.value.reason, refused.value.field) == (
        "COLUMN_ROLE_CONFLICT",
        "weight_column",
    )


def test_a_class_that_no_training_row_has_does_not_outweigh_the_others(
    stored_table, train_network, make_spec
):
    rows = np.arange(ROWS)
    x = np.random.default_rng(0).normal(size=ROWS)
    later = (rows >= 280) & (rows < 320) & (rows % 8 == 0)  # of those that validate
    label = np.where(later, "new", np.where(x > 0, "high", "low"))
    stored_table(x=x, label=label, time=rows)
    spec = dataclasses.replace(
        make_spec(),
        target_column="label",
        feature_columns=("x",),
        split_strategy="time",
        split_column="time",
        training=TrainingOptions(epochs=5, class_weights="balanced"),
    )

    training = train_network(spec, "table")

    losses = [epoch["validation_loss"] for epoch in training.curves["epochs"]]
    assert later.sum() == 5
    assert losses[-1] < losses[0]
