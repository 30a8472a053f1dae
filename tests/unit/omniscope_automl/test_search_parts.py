"""What surrounds a search: its log, its progress, its callback."""

import logging
import pickle
from pathlib import Path
from types import SimpleNamespace

import pytest

from omniscope_automl.finish_request import FinishRequest
from omniscope_automl.finished_models import EarlierSearch, FinishedModels
from omniscope_automl.progress import SEARCH_ENDS, SearchCallback, SearchProgress
from omniscope_automl.search_log import search_log
from tests.unit.omniscope_automl.conftest import RecordedReport

ENGINE = logging.getLogger("autogluon.tabular.trainer")


@pytest.mark.parametrize(
    "line",
    [
        "\tRan out of time, early stopping on iteration 12.",
        "\tTime limit exceeded... Skipping CatBoost.",
        "\tWarning: Reducing model 'n_estimators' from 300 -> 60 due to low time.",
        "\tNot enough time to train KNN model on all training rows.",
        "\tWarning: Reducing model 'n_estimators' from 300 -> 60 due to low memory.",
    ],
)
def test_log_notices_that_a_limit_was_hit(line):
    report = RecordedReport()

    with search_log(report, Path("/work")) as log:
        ENGINE.warning(line)

    assert log.cut_short
    assert report.lines == [("warning", line.replace("\t", "    "))]


def test_log_is_given_back_to_the_terminal_afterwards():
    engine_log = logging.getLogger("autogluon")
    before = engine_log.handlers[:]

    with search_log(RecordedReport(), Path("/work")) as log:
        assert engine_log.handlers == [log]

    assert engine_log.handlers == before
    assert not log.cut_short


def test_progress_counts_models_and_ends_where_the_search_ends():
    report = RecordedReport()

    with SearchProgress(report, time_limit=1000) as progress:
        progress.plan(2)
        for name in ("A", "B"):
            progress.start(name, trial=False)
            progress.finish(hit_limit=False)

    assert progress.complete
    assert [round(percent) for percent, *_ in report.progresses] == [2, 2, 46, 46, 90]
    assert report.progresses[-1] == (SEARCH_ENDS, "training B", 2, 2)


def test_model_skipped_for_want_of_time_makes_a_search_incomplete():
    with SearchProgress(RecordedReport(), time_limit=1000) as progress:
        progress.plan(1)
        progress.finish(hit_limit=True)

    assert not progress.complete


def callback_of(progress: SearchProgress, folder: Path, seed: int) -> SearchCallback:
    finished = FinishedModels(EarlierSearch(), RecordedReport(), folder)
    return SearchCallback(progress, finished, FinishRequest(), seed)


def test_model_skipped_for_want_of_memory_makes_a_search_incomplete(tmp_path):
    """The same request would give another model where more memory is free."""
    with SearchProgress(RecordedReport(), time_limit=1000) as progress:
        progress.plan(2)
        callback = callback_of(progress, tmp_path, seed=0)
        for failure in ("NoValidFeatures", "NotEnoughMemoryError"):
            trainer = trainer_of_failed_model(failure)
            callback._before_model_fit(trainer, SimpleNamespace(name="A"), stack_name="core")
            callback._after_model_fit(trainer, [], stack_name="core")
            assert progress._skipped == (failure == "NotEnoughMemoryError")

    assert not progress.complete


def trainer_of_failed_model(exc_type: str) -> SimpleNamespace:
    return SimpleNamespace(
        path="/work/search",
        save=lambda: None,
        _models_failed_to_train_errors={"A": {"exc_type": exc_type}},
        _models_skipped_by_constraint={},
    )


def test_callback_is_pickled_without_its_report(tmp_path):
    with SearchProgress(RecordedReport(), time_limit=1000) as progress:
        callback = callback_of(progress, tmp_path, seed=3)

        copy = pickle.loads(pickle.dumps(callback))

    assert copy._progress is None
    assert copy._seed == 3
