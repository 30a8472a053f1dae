"""A search that hits a limit from outside gives the model that it has."""

import json
import os
import signal

import pytest

from omniscope_ml.errors import DataError
from omniscope_ml.packaging import verify_package
from tests.unit.omniscope_automl.conftest import SPEC, RecordedReport


class LimitedReport(RecordedReport):
    """Has the worker's signal come when the n-th model is stored."""

    def __init__(self, models):
        super().__init__()
        self.models = models

    def checkpoint(self, files, *, step):
        if step == self.models:
            os.kill(os.getpid(), signal.SIGUSR1)


def results_of(training):
    return json.loads((training.package / "results.json").read_text())


def test_what_is_finished_becomes_a_model_and_says_that_it_was_stopped_early(train_model):
    training = train_model(SPEC, report=LimitedReport(models=1))

    results = results_of(training)
    assert training.outcome.stopped_early
    assert results["stopped_early"]
    models = {entry["model"] for entry in results["leaderboard"]}
    assert "KNeighbors" in models
    assert "LinearModel" not in models
    verify_package(training.package)


def test_a_model_that_is_being_fitted_is_interrupted(train_model, monkeypatch):
    from autogluon.tabular.models import LinearModel

    def take_for_ever(*_, **__):
        os.kill(os.getpid(), signal.SIGUSR1)
        raise AssertionError("the signal should have ended the fit")

    monkeypatch.setattr(LinearModel, "_fit", take_for_ever)
    training = train_model(SPEC)

    assert training.outcome.stopped_early
    assert {entry["model"] for entry in results_of(training)["leaderboard"]} >= {"KNeighbors"}
    assert not any("should have ended" in line for _, line in training.report.lines)


def test_without_any_finished_model_the_time_limit_is_blamed(train_model, monkeypatch):
    from autogluon.tabular.models import KNNModel

    def take_for_ever(*_, **__):
        os.kill(os.getpid(), signal.SIGUSR1)
        raise AssertionError("the signal should have ended the fit")

    monkeypatch.setattr(KNNModel, "_fit", take_for_ever)
    with pytest.raises(DataError, match="no model could be trained") as caught:
        train_model(SPEC)

    assert caught.value.reason == "NO_MODEL_TRAINED"


def test_the_signal_means_what_it_meant_before_when_the_training_is_over(train_model):
    before = signal.getsignal(signal.SIGUSR1)

    train_model(SPEC)

    assert signal.getsignal(signal.SIGUSR1) == before


def test_a_request_that_comes_while_a_model_is_filed_blames_the_time_limit(
    train_model, monkeypatch
):
    from autogluon.tabular.trainer.abstract_trainer import AbstractTabularTrainer

    def ask(*_, **__):
        os.kill(os.getpid(), signal.SIGUSR1)

    monkeypatch.setattr(AbstractTabularTrainer, "_add_model", ask)
    with pytest.raises(DataError) as caught:
        train_model(SPEC)

    assert caught.value.reason == "NO_MODEL_TRAINED"
