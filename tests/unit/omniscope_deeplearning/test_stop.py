"""A training that is to end makes do with what it has, or leaves a checkpoint."""

import os
import signal

import pytest

from omniscope_ml.packaging import verify_package
from tests.unit.omniscope_deeplearning.conftest import RecordedReport


def send(number, after):
    def on_epoch(epoch):
        if epoch == after:
            os.kill(os.getpid(), number)

    return on_epoch


def test_a_limit_ends_the_training_with_its_best_epoch(train_network, make_spec):
    report = RecordedReport(on_epoch=send(signal.SIGUSR1, after=2))

    training = train_network(make_spec(options={"epochs": 1000}), report=report)

    assert training.outcome.stopped_early
    assert training.results["stopped_early"]
    assert verify_package(training.package).stopped_early
    assert len(training.curves["epochs"]) < 10
    assert training.results["ending"].endswith(": a limit ended the training")


def test_a_limit_within_the_first_epoch_keeps_what_was_learned_by_then(
    train_network, make_spec, monkeypatch
):
    from omniscope_deeplearning.module import Learner

    step = Learner.training_step

    def step_with_a_limit(learner, places, index):
        if learner.state.step >= 20:
            os.kill(os.getpid(), signal.SIGUSR1)
        return step(learner, places, index)

    monkeypatch.setattr(Learner, "training_step", step_with_a_limit)
    spec = make_spec("digits", options={"batch_size": 8, "learning_rate": 3e-3})
    training = train_network(spec, "digits")

    assert training.outcome.stopped_early
    assert 20 < training.curves["epochs"][0]["step"] < 1150 / 8
    assert training.held_out["accuracy"] > 0.2


def test_seconds_are_a_limit_too(train_network, make_spec):
    options = {"epochs": 100_000, "patience": None, "max_seconds": 1, "schedule": "none"}

    training = train_network(make_spec(options=options))

    assert training.outcome.stopped_early
    assert verify_package(training.package).architecture == "mlp"


def test_the_end_leaves_a_checkpoint_and_no_package(train_network, make_spec, tmp_path):
    report = RecordedReport(on_epoch=send(signal.SIGTERM, after=1), resume=tmp_path)

    with pytest.raises(SystemExit) as ended:
        train_network(make_spec(options={"epochs": 1000}), report=report)

    assert ended.value.code == 143
    assert report.entries == []
    assert {path.name for path in tmp_path.iterdir()} == {
        "state.json",
        "state.safetensors",
        "best.safetensors",
    }


def test_signals_are_given_back_after_a_training(train_network, make_spec):
    before = [signal.getsignal(number) for number in (signal.SIGUSR1, signal.SIGTERM)]

    train_network(make_spec())

    assert [signal.getsignal(n) for n in (signal.SIGUSR1, signal.SIGTERM)] == before
