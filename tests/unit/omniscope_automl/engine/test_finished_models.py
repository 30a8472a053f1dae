"""A search whose plug was pulled goes on with the models that it had finished."""

import dataclasses
import json
import shutil
from types import SimpleNamespace

import pyarrow as pa
import pytest
from autogluon.tabular.models import KNNModel

from omniscope_automl.engine.finished_models import EarlierSearch, FinishedModels
from tests.unit.omniscope_automl.conftest import SPEC, RecordedReport

BAGGED = dataclasses.replace(
    SPEC, quality="good_quality", included_model_families=("LR", "KNN"), time_limit=120
)


class PlugPulled(BaseException):
    """Ends a training as a power cut would: nothing handles it."""


class FailingReport(RecordedReport):
    """Keeps what is stored, and pulls the plug when the n-th model is."""

    def __init__(self, folder, models):
        super().__init__()
        self.folder, self.models = folder, models

    def checkpoint(self, files, *, step):
        shutil.rmtree(self.folder, ignore_errors=True)
        for name, path in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, self.folder / name)
        if step == self.models:
            raise PlugPulled


def interrupted(train_model, folder, spec, models):
    report = FailingReport(folder, models)
    with pytest.raises(PlugPulled):
        train_model(spec, report=report)
    return report


def kept(training):
    ending = " was finished by an earlier attempt and is kept."
    return [line.removesuffix(ending) for _, line in training.report.lines if ending in line]


def leaderboard(training):
    entries = json.loads((training.package / "results.json").read_text())["leaderboard"]
    return {entry["model"]: entry for entry in entries}


def predictions(training):
    return pa.ipc.open_file(training.package / "predictions.arrow").read_all()


def test_a_finished_model_is_not_fitted_again_and_the_result_is_the_same(
    train_model, training, tmp_path, monkeypatch
):
    before = interrupted(train_model, tmp_path / "stored", SPEC, models=1)

    def refuse(*_, **__):
        raise AssertionError("it was fitted already")

    monkeypatch.setattr(KNNModel, "_fit", refuse)
    resumed = train_model(SPEC, resume=tmp_path / "stored")

    (known,) = before.entries
    assert kept(resumed) == ["KNeighbors"]
    assert leaderboard(resumed)["KNeighbors"]["fit_seconds"] == known["fit_seconds"]
    assert leaderboard(resumed).keys() == leaderboard(training).keys()
    assert predictions(resumed).equals(predictions(training))
    assert [point["step"] for point in resumed.report.metrics] == [0, 1, 2]


def test_a_search_that_was_lost_twice_keeps_the_models_of_both_attempts(train_model, tmp_path):
    interrupted(train_model, tmp_path / "first", SPEC, models=1)
    report = FailingReport(tmp_path / "second", models=2)
    with pytest.raises(PlugPulled):
        train_model(SPEC, report=report, resume=tmp_path / "first")

    resumed = train_model(SPEC, resume=tmp_path / "second")

    assert kept(resumed) == ["KNeighbors", "LinearModel"]


def test_models_that_a_second_attempt_had_not_reached_are_not_lost_with_it(tmp_path):
    """It stores a new model of its own first: its newest checkpoint is what the third one gets."""
    first = model_files(tmp_path / "first", "Slow", "Later")
    report = FailingReport(tmp_path / "second", models=3)
    earlier = EarlierSearch(first, {"Slow": "models/Slow", "Later": "models/Later"})
    finished = FinishedModels(earlier, report, tmp_path)
    trainer = SimpleNamespace(
        path=model_files(tmp_path / "search", "New"),
        get_model_attribute=lambda name, _: f"models/{name}",
    )

    finished.keep(trainer, ["Slow"], "core")
    assert not report.folder.exists()
    with pytest.raises(PlugPulled):
        finished.keep(trainer, ["New"], "core")

    third = EarlierSearch.read(report.folder, report)
    assert third.models.keys() == {"Slow", "Later", "New"}
    assert (report.folder / third.models["Later"] / "model.pkl").read_text() == "Later"
    assert (report.folder / third.models["New"] / "model.pkl").read_text() == "New"


def model_files(folder, *names):
    for name in names:
        (folder / "models" / name).mkdir(parents=True)
        (folder / "models" / name / "model.pkl").write_text(name)
    return folder


def test_the_time_that_earlier_attempts_took_counts(train_model, tmp_path):
    interrupted(train_model, tmp_path / "stored", SPEC, models=1)
    state = json.loads((tmp_path / "stored" / "search.json").read_text())
    assert 0 < state["seconds"] < SPEC.time_limit
    state["seconds"] = SPEC.time_limit * 10
    (tmp_path / "stored" / "search.json").write_text(json.dumps(state))

    resumed = train_model(SPEC, resume=tmp_path / "stored")

    assert "Beginning AutoGluon training ... Time limit = 10s" in [
        line for _, line in resumed.report.lines
    ]


@pytest.mark.parametrize("changed", [{"lightgbm": "1.0.0"}, {"autogluon.tabular": "1.0.0"}])
def test_models_made_with_another_version_are_left_and_the_search_starts_over(
    train_model, tmp_path, changed
):
    interrupted(train_model, tmp_path / "stored", SPEC, models=1)
    state = json.loads((tmp_path / "stored" / "search.json").read_text())
    state["versions"] |= changed
    (tmp_path / "stored" / "search.json").write_text(json.dumps(state))

    resumed = train_model(SPEC, resume=tmp_path / "stored")

    assert kept(resumed) == []
    (name,) = changed
    assert any(
        line.endswith(f"other versions of {name}.") and level == "warning"
        for level, line in resumed.report.lines
    )


@pytest.mark.slow
@pytest.mark.parametrize("models", [1, 3])
def test_bagged_and_stacked_models_are_kept_with_their_folds(train_model, tmp_path, models):
    whole = train_model(BAGGED)
    interrupted(train_model, tmp_path / "stored", BAGGED, models=models)

    resumed = train_model(BAGGED, resume=tmp_path / "stored")

    assert len(kept(resumed)) == models
    assert not any("ds_sub_fit" in line for _, line in resumed.report.lines)
    assert leaderboard(resumed).keys() == leaderboard(whole).keys()
    assert predictions(resumed).equals(predictions(whole))


def test_autogluon_fits_a_finished_model_again(fit_plainly, monkeypatch):
    fit, fitted = KNNModel._fit, []

    def count(model, *arguments, **named):
        fitted.append(model.name)
        return fit(model, *arguments, **named)

    monkeypatch.setattr(KNNModel, "_fit", count)
    for _ in range(2):
        fit_plainly(hyperparameters={"KNN": {}})

    assert fitted == ["KNeighbors", "KNeighbors"]
