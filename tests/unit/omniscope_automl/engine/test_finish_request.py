"""A search that hits a limit from outside gives the models that it has finished, at any moment."""

import dataclasses
import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import catboost
import numpy as np
import pytest
from autogluon.core.callbacks import AbstractCallback
from autogluon.core.models import WeightedEnsembleModel
from autogluon.core.utils.exceptions import TimeLimitExceeded
from autogluon.features.generators import AutoMLPipelineFeatureGenerator
from autogluon.tabular.models import CatBoostModel, KNNModel, LGBModel, LinearModel, XTModel
from autogluon.tabular.trainer.abstract_trainer import AbstractTabularTrainer

from omniscope_ml.errors import DataError
from omniscope_ml.packaging import verify_package
from tests.unit.omniscope_automl.conftest import SPEC, RecordedReport
from tests.unit.penguins import penguins

ALL = {"KNeighbors", "LinearModel", "WeightedEnsemble_L2"}


def ask(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGUSR1)


def always(*_: object, **__: object) -> bool:
    return True


def of(model_name: str) -> Callable[..., bool]:
    return lambda *_, model, **__: model.name == model_name


@pytest.fixture
def ask_inside(monkeypatch):
    """Has the worker's signal come as a function is called, the first time it is wanted."""

    def patch(owner: Any, name: str, wanted: Callable[..., bool] = always) -> None:
        called = getattr(owner, name)
        left = [True]

        def ask_and_call(*arguments, **named):
            if left and wanted(*arguments, **named):
                left.clear()
                ask()
            return called(*arguments, **named)

        monkeypatch.setattr(owner, name, ask_and_call)

    return patch


def candidates(training) -> set[str]:
    results = json.loads((training.package / "results.json").read_text())
    assert results["stopped_early"] == training.outcome.stopped_early
    verify_package(training.package)
    return {entry["model"] for entry in results["leaderboard"]}


@pytest.mark.parametrize("function", ["_train_single_full", "_train_and_save"])
def test_models_are_kept_when_the_request_comes_before_the_next_is_fitted(
    train_model, ask_inside, function
):
    def of_linear_model(*arguments, model=None, **_):
        return (model or arguments[-1]).name == "LinearModel"

    ask_inside(AbstractTabularTrainer, function, of_linear_model)

    training = train_model(SPEC)

    assert training.outcome.stopped_early
    assert candidates(training) >= {"KNeighbors"}


@pytest.mark.parametrize("function", ["save_model", "_add_model"])
def test_a_model_that_is_being_filed_is_kept_too(train_model, ask_inside, function):
    ask_inside(AbstractTabularTrainer, function, of("LinearModel"))

    training = train_model(SPEC)

    assert training.outcome.stopped_early
    assert candidates(training) == ALL


class LimitedReport(RecordedReport):
    """Has the worker's signal come when the n-th model is stored."""

    def __init__(self, models):
        super().__init__()
        self.models = models

    def checkpoint(self, files, *, step):
        if step == self.models:
            ask()


def test_no_model_is_begun_once_it_was_asked_for_what_there_is(train_model):
    training = train_model(SPEC, report=LimitedReport(models=1))

    assert training.outcome.stopped_early
    assert candidates(training) == {"KNeighbors", "WeightedEnsemble_L2"}


def test_a_model_that_is_being_fitted_is_interrupted(train_model, monkeypatch):
    def take_for_ever(*_, **__):
        ask()
        raise AssertionError("the signal should have ended the fit")

    monkeypatch.setattr(LinearModel, "_fit", take_for_ever)
    training = train_model(SPEC)

    assert training.outcome.stopped_early
    assert candidates(training) == {"KNeighbors", "WeightedEnsemble_L2"}
    assert not any("should have ended" in line for _, line in training.report.lines)


def test_a_model_that_swallows_the_request_is_interrupted_by_the_next_one(
    train_model, monkeypatch
):
    def swallow_once(*_, **__):
        with pytest.raises(TimeLimitExceeded):
            ask()
        time.sleep(60)
        raise AssertionError("the request should have been repeated")

    monkeypatch.setattr(LinearModel, "_fit", swallow_once)
    training = train_model(SPEC)

    assert candidates(training) == {"KNeighbors", "WeightedEnsemble_L2"}
    assert not any("should have been" in line for _, line in training.report.lines)


def test_a_fold_is_interrupted_and_the_models_before_are_kept(train_model, ask_inside):
    ask_inside(LinearModel, "_fit", lambda model, *_, **__: model.name.endswith("F2"))

    training = train_model(dataclasses.replace(SPEC, folds=3))

    assert training.outcome.stopped_early
    assert candidates(training) == {"KNeighbors_BAG_L1", "WeightedEnsemble_L2"}


def test_an_ensemble_of_finished_models_is_not_interrupted(train_model, ask_inside):
    ask_inside(WeightedEnsembleModel, "_fit")

    training = train_model(SPEC)

    assert candidates(training) == ALL


class AskedInALine(RecordedReport):
    """Has the worker's signal come while a line of AutoGluon's log is passed on, in a fit."""

    def log(self, text, severity="info"):
        if "Fitting with cpus" in text:
            ask()
        super().log(text, severity)


def test_a_report_is_written_to_its_end_before_a_model_is_interrupted(train_model):
    training = train_model(SPEC, report=AskedInALine())

    assert any("Fitting with cpus" in line for _, line in training.report.lines)
    assert candidates(training) >= {"KNeighbors"}


@pytest.mark.parametrize(
    ("owner", "function"),
    [(AutoMLPipelineFeatureGenerator, "fit_transform"), (KNNModel, "_fit")],
)
def test_without_any_finished_model_the_time_limit_is_blamed(
    train_model, ask_inside, owner, function
):
    ask_inside(owner, function)

    with pytest.raises(DataError, match="no model could be trained within 60 s") as caught:
        train_model(SPEC)

    assert caught.value.reason == "NO_MODEL_TRAINED"
    assert caught.value.field == "time_limit"


@pytest.mark.slow
def test_a_trial_of_stacking_that_is_interrupted_leaves_no_model_but_says_so(
    train_model, ask_inside
):
    """Its models never count; the search that would follow begins none."""
    ask_inside(KNNModel, "_fit")

    with pytest.raises(DataError) as caught:
        train_model(dataclasses.replace(SPEC, quality="good_quality"))

    assert caught.value.reason == "NO_MODEL_TRAINED"


class StoringReport(RecordedReport):
    """Keeps the newest checkpoint in a folder."""

    def __init__(self, folder):
        super().__init__()
        self.folder = folder

    def checkpoint(self, files, *, step):
        for name, path in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, self.folder / name)


def test_models_of_an_earlier_attempt_are_kept_when_the_request_comes_before_all(
    train_model, ask_inside, tmp_path
):
    train_model(SPEC, report=StoringReport(tmp_path / "stored"))
    ask_inside(AutoMLPipelineFeatureGenerator, "fit_transform")

    resumed = train_model(SPEC, resume=tmp_path / "stored")

    assert resumed.outcome.stopped_early
    assert candidates(resumed) == ALL


@pytest.mark.parametrize("function", ["write_results", "write_package"])
def test_a_whole_search_is_measured_and_packed_and_was_not_stopped_early(
    train_model, ask_inside, function
):
    """The request comes when there is nothing left to cut short."""
    module = {"write_results": "results", "write_package": "trained_package"}[function]
    ask_inside(sys.modules[f"omniscope_automl.{module}"], function)

    training = train_model(SPEC)

    assert not training.outcome.stopped_early
    assert candidates(training) == ALL


def test_the_signal_means_what_it_meant_before_when_the_training_is_over(train_model):
    before = signal.getsignal(signal.SIGUSR1)

    train_model(SPEC)

    assert signal.getsignal(signal.SIGUSR1) == before


@pytest.mark.slow
@pytest.mark.timeout(300)
# Where a finalizer of a library swallows the request, the next one is obeyed.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("family", "model"), [("CAT", CatBoostModel), ("GBM", LGBModel), ("XT", XTModel)]
)
def test_a_library_is_interrupted_while_it_computes(train_model, monkeypatch, family, model):
    fit = model._fit

    def fit_and_be_asked(*arguments, **named):
        threading.Timer(0.5, ask).start()
        fit(*arguments, **named)
        while True:  # should it have been faster than that
            time.sleep(0.1)

    monkeypatch.setattr(model, "_fit", fit_and_be_asked)
    spec = dataclasses.replace(SPEC, included_model_families=("KNN", family))
    training = train_model(spec, penguins(20_000))

    assert training.outcome.stopped_early
    assert candidates(training) == {"KNeighbors", "WeightedEnsemble_L2"}


class Moments:
    """Has the worker's signal come at the n-th call of any function of AutoGluon's."""

    def __init__(self, moment: int | None = None) -> None:
        self.count = 0
        self.moment = moment

    def __call__(self, frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and frame.f_globals.get("__name__", "").startswith("autogluon."):
            self.count += 1
            if self.count == self.moment:
                ask()


def kept_when_asked_at(moments: Moments, train_model, report: RecordedReport) -> set[str]:
    sys.setprofile(moments)
    try:
        return candidates(train_model(SPEC, report=report))
    except DataError as error:
        if error.reason != "NO_MODEL_TRAINED":
            raise
        return set()
    finally:
        sys.setprofile(None)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_whenever_the_request_comes_nothing_that_was_finished_is_lost(train_model):
    whole = Moments()
    kept_when_asked_at(whole, train_model, RecordedReport())

    for moment in np.linspace(1, whole.count, 40, dtype=int):
        report = RecordedReport()
        kept = kept_when_asked_at(Moments(int(moment)), train_model, report)
        assert kept == {entry["model"] for entry in report.entries}, f"moment {moment}"


class RaisingCallback(AbstractCallback):  # type: ignore[misc]  # AutoGluon is untyped
    """Raises between two models."""

    def _before_model_fit(self, trainer, model, **_):
        if model.name == "LinearModel":
            raise TimeLimitExceeded
        return False, False


class StoppingCallback(AbstractCallback):  # type: ignore[misc]
    """Says after the first model that there shall be no more."""

    def _after_model_fit(self, *_, **__):
        return True


def test_autogluon_loses_every_model_where_an_exception_comes_between_two(fit_plainly):
    with pytest.raises(TimeLimitExceeded):
        fit_plainly(callbacks=[RaisingCallback()])


def test_autogluon_makes_no_ensemble_where_a_callback_stops_it(fit_plainly):
    assert fit_plainly(callbacks=[StoppingCallback()]).model_names() == ["KNeighbors"]


def test_catboost_hides_what_a_signal_handler_raises():
    def refuse(*_: object) -> None:
        raise TimeLimitExceeded

    before = signal.signal(signal.SIGUSR1, refuse)
    rows = np.random.default_rng(0).normal(size=(2_000, 20))
    threading.Timer(0.3, ask).start()
    try:
        with pytest.raises(KeyboardInterrupt):
            catboost.CatBoostRegressor(
                iterations=1_000_000, verbose=False, allow_writing_files=False
            ).fit(rows, rows[:, 0])
    finally:
        signal.signal(signal.SIGUSR1, before)
