"""Every architecture learns something real in seconds, and says how it goes."""

import pytest

from omniscope_deeplearning.module import Learner
from omniscope_ml.networks.architectures import ARCHITECTURES
from tests.unit.omniscope_deeplearning.conftest import DIGITS, ROWS_OF_PIXELS, quick

LAYOUTS = {"cnn2d": DIGITS, "mlp": None}


@pytest.mark.parametrize("architecture", quick(ARCHITECTURES, "mlp"))
def test_every_architecture_tells_digits_apart(train_network, make_spec, architecture):
    layout = LAYOUTS.get(architecture, ROWS_OF_PIXELS)
    given = {} if layout is None else {"input_layout": layout}
    options = {"epochs": 4, "learning_rate": 3e-3, "batch_size": 64}

    training = train_network(make_spec("digits", architecture, options=options, **given), "digits")

    assert training.held_out["accuracy"] > 0.5  # chance is 0.1


@pytest.mark.parametrize("architecture", quick(["mlp", "cnn1d", "gru", "transformer"], "mlp"))
def test_wide_tables_are_told_apart_with_defaults(train_network, make_spec, architecture):
    spec = make_spec("tissue", architecture, options={"epochs": 10, "learning_rate": 3e-3})

    training = train_network(spec, "tissue")

    assert training.held_out["accuracy"] > 0.6  # the largest class has 0.21


def test_missing_values_and_texts_become_numbers(train_network, make_spec):
    training = train_network(make_spec(options={"epochs": 30}))

    assert training.held_out["accuracy"] > 0.9


def test_numbers_are_predicted_in_their_own_unit(train_network, make_spec):
    spec = make_spec(
        target_column="body_mass_g",
        problem_type="regression",
        split_strategy="random",
        options={"epochs": 60, "learning_rate": 3e-3},
    )

    training = train_network(spec)

    assert training.held_out["r2"] > 0.6
    last = [p for p in training.report.metrics if p["name"] == "rmse"][-1]
    assert 100 < last["value"] < 1000  # grams


def test_every_epoch_is_reported_with_all_that_was_measured(train_network, make_spec):
    training = train_network(make_spec())
    points = training.report.metrics

    assert {(p["name"], p["split"]) for p in points} == {
        ("loss", "train"),
        ("accuracy", "train"),
        ("loss", "validation"),
        ("accuracy", "validation"),
        ("learning_rate", "train"),
        ("gradient_norm", "train"),
        ("rows_per_second", "train"),
    }
    losses = [p for p in points if (p["name"], p["split"]) == ("loss", "validation")]
    assert [p["epoch"] for p in losses] == [0, 1, 2]
    assert losses[0]["step"] * 3 == losses[2]["step"]
    assert training.curves["epochs"][1]["validation_loss"] == losses[1]["value"]


def test_progress_rises_to_the_packing(train_network, make_spec):
    report = train_network(make_spec()).report

    percents = [percent for percent, *_ in report.progresses]
    phases = [phase for _, phase, *_ in report.progresses]
    assert percents == sorted(percents)
    assert phases[0] == "reading the dataset"
    assert "epoch 1 of at most 3" in phases
    assert phases[-1] == "packing the model"


def test_the_best_epoch_is_kept_and_stagnation_ends_the_training(train_network, make_spec):
    stopping = {"patience": 3, "min_improvement": 0.0}
    options = {**stopping, "epochs": 200, "learning_rate": 0.03, "schedule": "none"}

    training = train_network(make_spec(options=options))

    losses = [epoch["validation_loss"] for epoch in training.curves["epochs"]]
    assert len(losses) < 200
    assert training.curves["kept"] == losses.index(min(losses))
    assert len(losses) - 1 - training.curves["kept"] == 3
    assert not training.outcome.stopped_early
    ending = training.results["ending"]
    assert ending.startswith(f"kept epoch {len(losses) - 3} of {len(losses)}: ")
    assert ending.endswith("no validation loss was smaller by more than 0 for 3 epochs")
    assert ("info", ending) in training.report.lines


def test_improvements_that_are_too_small_do_not_keep_a_training_alive(train_network, make_spec):
    options = {"epochs": 200, "patience": 3, "min_improvement": 0.5}

    training = train_network(make_spec(options=options))

    losses = [epoch["validation_loss"] for epoch in training.curves["epochs"]]
    assert len(losses) < 20
    assert training.curves["kept"] == losses.index(min(losses))


def test_the_learning_rate_of_an_epoch_is_that_of_its_last_step(train_network, make_spec):
    training = train_network(make_spec(options={"epochs": 2, "schedule": "cosine"}))

    first, second = (epoch["learning_rate"] for epoch in training.curves["epochs"])
    assert 0.0005 < first < 0.001
    assert 0 < second < 0.0005


def test_the_same_seed_gives_the_same_weights_and_another_does_not(train_network, make_spec):
    first, second = (train_network(make_spec(seed=1)) for _ in range(2))
    other = train_network(make_spec(seed=2))

    assert first.weights == second.weights
    assert first.weights != other.weights


def test_slow_steps_are_looked_at_one_by_one_and_give_the_same_weights(
    train_network, make_spec, monkeypatch
):
    spec = make_spec(options={"epochs": 2, "batch_size": 8})
    taken: list[int] = []
    step = Learner.training_step

    def counted(learner, places, index):
        taken.append(len(places))
        step(learner, places, index)

    monkeypatch.setattr(Learner, "training_step", counted)
    together = train_network(spec)
    largest = max(taken)
    taken.clear()
    monkeypatch.setattr("omniscope_deeplearning.module._SECONDS_TOGETHER", 0.0)
    one_by_one = train_network(spec)

    assert largest > 8
    assert max(taken) == 8
    assert one_by_one.weights == together.weights
    losses = [[e["train_loss"] for e in t.curves["epochs"]] for t in (together, one_by_one)]
    assert losses[0] == losses[1]


OPTIONS = [
    {"optimizer": "sgd", "learning_rate": 0.05, "schedule": "one_cycle"},
    {"label_smoothing": 0.1, "class_weights": "balanced", "dropout": 0.5},
    {"optimizer": "adam", "schedule": "plateau", "warmup_epochs": 2},
    {"accumulation": 2, "gradient_clip": None, "schedule": "none", "patience": None},
    {"precision": "bf16", "batch_size": 16, "deterministic": False},
]


@pytest.mark.parametrize("options", quick(OPTIONS, *OPTIONS[:2]))
def test_every_option_learns(train_network, make_spec, options):
    training = train_network(make_spec(options={"epochs": 25, **options}))

    assert training.held_out["accuracy"] > 0.8


def test_accumulated_batches_step_as_one_batch_would(train_network, make_spec):
    common = {"epochs": 2, "dropout": 0.0}
    halves = {**common, "batch_size": 16, "accumulation": 2}
    whole = {**common, "batch_size": 32}

    first, second = (train_network(make_spec(options=options)) for options in (halves, whole))

    for a, b in zip(first.curves["epochs"], second.curves["epochs"], strict=True):
        assert a["validation_loss"] == pytest.approx(b["validation_loss"], rel=1e-4)
        assert a["step"] == b["step"]
