"""What cannot be trained ends with a reason, a field and figures."""

import math

import pytest

from omniscope_deeplearning.options import TrainingOptions
from omniscope_ml.errors import DataError
from omniscope_ml.networks.layout import InputLayout


def refused(train_network, spec, data="penguins"):
    with pytest.raises(DataError) as caught:
        train_network(spec, data)
    return caught.value


def test_a_layout_that_does_not_fit_the_columns(train_network, make_spec):
    layout = InputLayout(kind="image", height=8, width=7, channels=1)

    error = refused(train_network, make_spec("digits", "cnn2d", input_layout=layout), "digits")

    assert (error.reason, error.field) == ("LAYOUT_MISMATCH", "input_layout.height")
    assert "= 56 values; the features give 64" in error.message


def test_text_columns_do_not_fit_a_layout_of_as_many_features(train_network, make_spec):
    layout = InputLayout(kind="sequence", steps=6, channels=1)

    error = refused(train_network, make_spec(architecture="gru", input_layout=layout))

    assert "a text column gives one for each category" in error.message


def test_heads_that_do_not_divide_the_width(train_network, make_spec):
    spec = make_spec(architecture="transformer", parameters={"width": 64, "heads": 7})

    error = refused(train_network, spec)

    assert (error.reason, error.field) == ("FIELD_INVALID", "parameters.heads")


def test_a_batch_larger_than_the_rows_that_train(train_network, make_spec):
    error = refused(train_network, make_spec(options={"batch_size": 5000}))

    assert (error.reason, error.field) == ("FIELD_INVALID", "training.batch_size")
    assert "the rows that train" in error.message


def test_missing_values_where_they_are_to_be_refused(train_network, make_spec):
    error = refused(train_network, make_spec(missing_values="refuse"))

    assert (error.reason, error.field) == ("MISSING_VALUES", "preprocessing.missing_values")
    assert "'sex' most with 11 of 344 rows" in error.message


def test_a_diverging_training_ends_with_its_epoch(train_network, make_spec):
    options = {
        "optimizer": "sgd",
        "learning_rate": 10.0,
        "gradient_clip": None,
        "schedule": "none",
        "epochs": 50,
    }
    spec = make_spec(
        target_column="body_mass_g",
        problem_type="regression",
        split_strategy="random",
        options=options,
    )

    error = refused(train_network, spec)

    assert (error.reason, error.field) == ("TRAINING_DIVERGED", "training.learning_rate")
    assert "epoch" in error.message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0),
        ("batch_size", 0),
        ("optimizer", "lion"),
        ("learning_rate", 0.0),
        ("learning_rate", math.nan),
        ("weight_decay", -1.0),
        ("schedule", "step"),
        ("warmup_epochs", 200),
        ("patience", 0),
        ("gradient_clip", 0.0),
        ("accumulation", 0),
        ("label_smoothing", 0.6),
        ("class_weights", "rare"),
        ("dropout", 1.0),
        ("precision", "16"),
        ("devices", 0),
        ("max_seconds", 0),
        ("checkpoint_minutes", 0.0),
    ],
)
def test_an_option_out_of_range_is_refused_by_its_path(name, value):
    with pytest.raises(DataError) as caught:
        TrainingOptions(**{name: value})

    assert (caught.value.reason, caught.value.field) == ("FIELD_INVALID", f"training.{name}")
