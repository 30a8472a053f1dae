"""What cannot be trained ends with a reason, a field and figures."""

import math

import numpy as np
import pytest

from omniscope_deeplearning.divergence import diverged
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

    assert (error.reason, error.field) == ("LAYOUT_MISMATCH", "input_layout.image.height")
    assert "= 56 values; the features give 64" in error.message


def test_text_columns_do_not_fit_a_layout_of_as_many_features(train_network, make_spec):
    layout = InputLayout(kind="sequence", steps=6, channels=1)

    error = refused(train_network, make_spec(architecture="gru", input_layout=layout))

    assert (error.reason, error.field) == ("LAYOUT_MISMATCH", "input_layout.sequence.steps")
    assert "a text column gives one for each category" in error.message


def test_heads_that_do_not_divide_the_width(train_network, make_spec):
    spec = make_spec(architecture="transformer", parameters={"width": 64, "heads": 7})

    error = refused(train_network, spec)

    assert (error.reason, error.field) == ("FIELD_INVALID", "transformer.heads")
    assert error.message == (
        "transformer.heads is 7, which does not divide transformer.width 64; allowed are "
        "1, 2, 4, 8, 16, 32, 64"
    )


def test_a_batch_larger_than_the_rows_that_train(train_network, make_spec):
    error = refused(train_network, make_spec(options={"batch_size": 5000}))

    assert (error.reason, error.field) == ("FIELD_INVALID", "training.batch_size")
    assert "the rows that train" in error.message


def test_missing_values_where_they_are_to_be_refused(train_network, make_spec):
    error = refused(train_network, make_spec(missing_values="refuse"))

    assert (error.reason, error.field) == ("MISSING_VALUES", "preprocessing.missing_values")
    assert error.message.startswith("preprocessing.missing_values is 'refuse'")
    assert "most in 'sex' with 11 of 344 rows" in error.message


@pytest.mark.parametrize(
    ("architecture", "parameters", "field", "said"),
    [
        ("cnn1d", {"kernel": 0}, "cnn1d.kernel", "cnn1d.kernel is 0; allowed is int from 1 to 99"),
        ("mlp", {"kernel": 3}, "mlp.kernel", "mlp.kernel is unknown; mlp has width, depth"),
    ],
)
def test_a_parameter_is_told_by_the_name_that_it_has_in_a_request(
    train_network, make_spec, architecture, parameters, field, said
):
    spec = make_spec(architecture=architecture, parameters=parameters)

    error = refused(train_network, spec)

    assert (error.reason, error.field) == ("FIELD_INVALID", field)
    assert said in error.message


def test_a_network_that_memory_cannot_hold(train_network, make_spec, monkeypatch):
    mebibyte = 2**20
    monkeypatch.setattr("omniscope_deeplearning.capacity.memory_size_bytes", lambda: 4 * mebibyte)
    spec = make_spec(architecture="gru", parameters={"width": 256}, options={"devices": 2})

    error = refused(train_network, spec)

    assert (error.reason, error.field) == ("FIELD_INVALID", "gru.width")
    assert error.message.startswith("gru.width is 256, which makes ")
    assert "a smaller gru.width or gru.depth" in error.message


def test_a_regression_of_one_value(train_network, make_spec, stored_table):
    stored_table(x=np.arange(40) / 3, y=np.full(40, 1.5))
    spec = make_spec(
        target_column="y",
        feature_columns=("x",),
        problem_type="regression",
        split_strategy="random",
    )

    error = refused(train_network, spec, "table")

    assert (error.reason, error.field) == ("TARGET_CONSTANT", "target_column")
    assert "'y' is 1.5 in all 26 training rows" in error.message


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((1e200, -1e200), "goes from -1e+200 to 1e+200"),
        ((1e-200, 3e-200), "its 26 training rows from 1e-200 to 3e-200"),
    ],
)
def test_a_regression_of_numbers_that_no_network_can_hold(
    values, said, train_network, make_spec, stored_table
):
    stored_table(x=np.arange(40) / 3, y=values * 20)
    spec = make_spec(
        target_column="y",
        feature_columns=("x",),
        problem_type="regression",
        split_strategy="random",
    )

    error = refused(train_network, spec, "table")

    assert (error.reason, error.field) == ("TARGET_OUT_OF_RANGE", "target_column")
    assert said in error.message


def test_a_held_out_row_that_no_network_can_hold_is_measured_like_others(
    train_network, make_spec, stored_table
):
    rows = np.arange(100)
    stored_table(x=np.where(rows == 99, -3.4e38, rows % 2), y=rows % 2, time=rows)
    spec = make_spec(
        target_column="y",
        feature_columns=("x",),
        problem_type="binary",
        split_strategy="time",
        split_column="time",
        options={"epochs": 20},
    )

    assert train_network(spec, "table").held_out["accuracy"] == 0.95


def test_features_that_do_not_vary_in_the_rows_that_train(train_network, make_spec, stored_table):
    part = np.repeat(["train", "validation", "test"], [30, 8, 8])
    stored_table(x=part != "train", y=np.arange(46) % 2, part=part)
    spec = make_spec(
        target_column="y",
        feature_columns=("x",),
        problem_type="binary",
        split_strategy="predefined",
        split_column="part",
        validation_fraction=None,
    )

    error = refused(train_network, spec, "table")

    assert (error.reason, error.field) == ("NO_FEATURE_COLUMNS", "feature_columns")
    assert "in the 30 training rows" in error.message


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
    assert "a smaller training.learning_rate, a training.gradient_clip or" in error.message


def test_where_gradients_are_clipped_a_tighter_clip_is_advised():
    error = diverged("the loss is no number", TrainingOptions(gradient_clip=1.0))

    assert error.message == (
        "the loss is no number; a smaller training.learning_rate, a smaller "
        "training.gradient_clip or a warm-up may help, and preprocessing.scaling where it is "
        "'none'"
    )


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("batch_size", -1, "1 to 1000000"),
        ("learning_rate", 0.0, "0.00000001 to 10"),
        ("gradient_clip", -1.0, "0 for none, or 0.000001 to 1000000"),
        ("max_seconds", -1, "1 to 2592000"),
        ("checkpoint_minutes", -1.0, "0 for none, or 0.01 to 1440"),
    ],
)
def test_a_range_is_told_without_exponents(name, value, allowed):
    with pytest.raises(DataError) as caught:
        TrainingOptions(**{name: value})

    assert caught.value.message == f"training.{name} is {value}; allowed is {allowed}"


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
