"""Tells watchers how a search goes: AutoGluon's callback, turned into reports.

AutoGluon pickles its trainer, callbacks included, after every model, so the callback can be
imported by name and leaves its report out of the pickle.
"""

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autogluon.core.callbacks import AbstractCallback

from omniscope_automl.finished_models import SEARCHED_STACK

if TYPE_CHECKING:
    from autogluon.core.models import AbstractModel
    from autogluon.tabular.trainer.abstract_trainer import AbstractTabularTrainer

    from omniscope_automl.finish_request import FinishRequest
    from omniscope_automl.finished_models import FinishedModels
    from omniscope_service.jobs.report import Report

# The search lies between these percentages; before it is reading, after it measuring and packing.
SEARCH_STARTS = 2.0
SEARCH_ENDS = 90.0

_LONGEST_SILENCE_SECONDS = 30.0
_SHORTEST_SILENCE_SECONDS = 2.0
# Where AutoGluon tries out on a part of the rows whether stacking helps; it discards those models.
_TRIAL_FOLDER = "ds_sub_fit"
# How a model fails that another machine, or a quieter one, would have trained.
_LIMIT_ERRORS = ("TimeLimitExceeded", "NotEnoughMemoryError")
_TEMPLATE_ARGUMENTS = (
    "ag_args",
    "ag_args_fit",
    "ag_args_ensemble",
    "included_model_types",
    "excluded_model_types",
)


class SearchProgress:
    """How far a search is: by models done of those planned or by time, whichever is further.

    Progress is repeated while a model trains, so that a long one shows as time passing.

    Args:
        report: Where to tell it.
        time_limit: Seconds that the search may take.
    """

    def __init__(self, report: "Report", time_limit: float) -> None:
        self._report = report
        self._time_limit = time_limit
        self._started = time.monotonic()
        self._planned = 0
        self._done = 0
        self._skipped = False
        self._phase = "preparing the features"
        self._ended = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="search-progress", daemon=True)

    def __enter__(self) -> "SearchProgress":
        self.tell()
        self._ticker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._ticker.join()

    @property
    def report(self) -> "Report":
        """Where it is told."""
        return self._report

    @property
    def complete(self) -> bool:
        """Whether every planned model had its turn and none was skipped because of a limit."""
        return self._done >= self._planned and not self._skipped

    def plan(self, models: int) -> None:
        """Set how many models the search will try."""
        self._planned = models

    def start(self, model: str, *, trial: bool) -> None:
        """Say that a model is being trained now; in a trial of stacking it is not kept."""
        self._phase = f"trying out stacking: {model}" if trial else f"training {model}"
        self.tell()

    def finish(self, *, hit_limit: bool) -> None:
        """Count a model that had its turn, trained or not."""
        self._done += 1
        self._skipped = self._skipped or hit_limit
        self.tell()

    def tell(self) -> None:
        """Report the percentage and the time left."""
        elapsed = time.monotonic() - self._started
        by_models = min(self._done / self._planned, 1.0) if self._planned else 0.0
        share = max(by_models, min(elapsed / self._time_limit, 1.0))
        self._report.progress(
            SEARCH_STARTS + share * (SEARCH_ENDS - SEARCH_STARTS),
            self._phase,
            completed=min(self._done, self._planned),
            total=self._planned,
            eta_seconds=self._seconds_left(elapsed, by_models),
        )

    def _seconds_left(self, elapsed: float, by_models: float) -> float:
        left = max(self._time_limit - elapsed, 0.0)
        return min(left, elapsed / by_models - elapsed) if by_models else left

    def _tick(self) -> None:
        silence = min(
            max(self._time_limit / 200, _SHORTEST_SILENCE_SECONDS), _LONGEST_SILENCE_SECONDS
        )
        while not self._ended.wait(silence):
            self.tell()


class SearchCallback(AbstractCallback):  # type: ignore[misc]  # AutoGluon is untyped
    """Reports every model as soon as AutoGluon has trained it, and seeds those that have no seed.

    Args:
        progress: What to tell; left out when AutoGluon pickles its trainer.
        finished: Keeps finished models and has those of earlier attempts; left out likewise.
        finish: Asks for no further models; left out likewise.
        seed: Seed of every model that is not bagged; bagged ones get theirs by an argument of fit.
    """

    def __init__(
        self,
        progress: SearchProgress,
        finished: "FinishedModels",
        finish: "FinishRequest",
        seed: int,
    ) -> None:
        super().__init__()
        self._progress: SearchProgress | None = progress
        self._finished: FinishedModels | None = finished
        self._finish: FinishRequest | None = finish
        self._seed = seed
        self._current = ""
        self._scores: dict[str, float] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the report: it holds the pipe to the worker."""
        return {**self.__dict__, "_progress": None, "_finished": None, "_finish": None}

    def __deepcopy__(self, memo: dict[int, Any]) -> "SearchCallback":
        """AutoGluon copies its arguments; reports still go to the one place."""
        return self

    def before_trainer_fit(
        self,
        trainer: "AbstractTabularTrainer",
        *,
        hyperparameters: Any,
        level_start: int,
        level_end: int,
        core_kwargs: dict[str, Any],
        **_: Any,
    ) -> None:
        """Count the models that AutoGluon is about to try: of each level, and its ensemble."""
        if self._progress is None or _is_trial(trainer):
            return
        arguments = {k: v for k, v in core_kwargs.items() if k in _TEMPLATE_ARGUMENTS}
        levels = range(level_start, level_end + 1)
        models = (
            trainer.construct_model_templates(hyperparameters, level=level, **arguments)[0]
            for level in levels
        )
        self._progress.plan(sum(len(of_level) + 1 for of_level in models))
        if self._finished is not None:
            self._finished.plan(level_end - level_start)

    def _before_model_fit(
        self,
        trainer: "AbstractTabularTrainer",
        model: "AbstractModel",
        *,
        stack_name: str,
        **_: Any,
    ) -> tuple[bool, bool]:
        model.default_random_seed = self._seed
        self._current = model.name
        if self._progress is not None:
            self._progress.start(model.name, trial=_is_trial(trainer))
        if self._finished is not None and not _is_trial(trainer):
            self._finished.restore(trainer, model, stack_name)
        # Ensembles of what is finished take no time and are what the search is for.
        if self._finish is None or stack_name != SEARCHED_STACK:
            return False, False
        if not self._finish.asked:
            self._finish.begin_model()
        return False, self._finish.asked

    def _after_model_fit(
        self,
        trainer: "AbstractTabularTrainer",
        model_names: list[str],
        *,
        stack_name: str,
        **_: Any,
    ) -> bool:
        if self._finish is not None:
            self._finish.end_model()
        # What a watcher has seen must survive a crash, so the trainer knows it on disk first.
        trainer.save()
        if self._progress is not None and not _is_trial(trainer):
            for name in model_names:
                self._tell_model(self._progress.report, trainer, name)
            self._progress.finish(hit_limit=not model_names and self._hit_limit(trainer))
        if self._finished is not None and not _is_trial(trainer):
            self._finished.keep(trainer, model_names, stack_name)
        return False

    def _hit_limit(self, trainer: "AbstractTabularTrainer") -> bool:
        """Tell whether the current model has no other reason for not having been trained."""
        failure = trainer._models_failed_to_train_errors.get(self._current)  # noqa: SLF001
        if failure is not None:
            return failure["exc_type"] in _LIMIT_ERRORS
        return self._current not in trainer._models_skipped_by_constraint  # noqa: SLF001

    def _tell_model(self, report: "Report", trainer: "AbstractTabularTrainer", name: str) -> None:
        score = trainer.get_model_attribute(name, "val_score")
        if score is None:
            return
        step = len(self._scores)
        self._scores[name] = score
        metric = trainer.eval_metric
        report.leaderboard(
            model=name,
            metric=metric.name,
            score_validation=score,
            fit_seconds=trainer.get_model_attribute(name, "fit_time"),
            prediction_seconds=trainer.get_model_attribute_full(name, "predict_time", func=sum),
            stack_level=trainer.get_model_level(name),
            rank=1 + sum(other > score for other in self._scores.values()),
        )
        # Points are in the metric's own sign: an error is positive here.
        value = metric.convert_score_to_original(score)
        report.metric(metric.name, value, step=step, split="validation")


def _is_trial(trainer: "AbstractTabularTrainer") -> bool:
    return _TRIAL_FOLDER in Path(trainer.path).parts
