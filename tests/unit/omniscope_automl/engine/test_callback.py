"""What happens around each fit of a model."""

import pickle
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from autogluon.core.callbacks import AbstractCallback

from omniscope_automl.engine.callback import SearchCallback
from omniscope_automl.engine.finish_request import FinishRequest
from omniscope_automl.engine.finished_models import EarlierSearch, FinishedModels
from omniscope_automl.progress import SearchProgress
from tests.unit.omniscope_automl.conftest import RecordedReport


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


class LockedCallback(AbstractCallback):  # type: ignore[misc]  # AutoGluon is untyped
    """Holds something that cannot be pickled, as a report does."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()


class ReadingCallback(AbstractCallback):  # type: ignore[misc]
    """Notes which models the trainer on disk knows when a callback hears of a second one."""

    def __init__(self) -> None:
        super().__init__()
        self.known: list[str] = []

    def _after_model_fit(self, trainer, model_names, **_):
        if model_names == ["LinearModel"]:
            self.known = type(trainer).load(trainer.path, reset_paths=True).get_model_names()
        return False


def test_autogluon_pickles_the_callback_of_a_fit(fit_plainly):
    with pytest.raises(TypeError, match="cannot pickle"):
        fit_plainly(callbacks=[LockedCallback()])


def test_autogluon_stores_a_model_after_its_callback_has_heard_of_it(fit_plainly):
    callback = ReadingCallback()

    fit_plainly(callbacks=[callback], fit_weighted_ensemble=False)

    assert callback.known == ["KNeighbors"]
