"""AutoGluon's callback: reports, seeds, keeps and gives back models around each fit.

`AbstractTabularTrainer` pickles itself, callbacks included, after every model, so the callback can
be imported by name and leaves its report out of the pickle. And it does so only after the callback
has heard of a model; what a watcher has seen must survive a crash, so this one saves it first.
"""

from typing import TYPE_CHECKING, Any

from autogluon.core.callbacks import AbstractCallback

from omniscope_automl.engine.failures import hit_limit
from omniscope_automl.engine.finished_models import SEARCHED_STACK
from omniscope_automl.engine.seeds import seed_model
from omniscope_automl.engine.stacking_trial import is_trial

if TYPE_CHECKING:
    from autogluon.core.models import AbstractModel
    from autogluon.tabular.trainer.abstract_trainer import AbstractTabularTrainer

    from omniscope_automl.engine.finish_request import FinishRequest
    from omniscope_automl.engine.finished_models import FinishedModels
    from omniscope_automl.progress import SearchProgress
    from omniscope_service.jobs.report import Report

_TEMPLATE_ARGUMENTS = (
    "ag_args",
    "ag_args_fit",
    "ag_args_ensemble",
    "included_model_types",
    "excluded_model_types",
)


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
        progress: "SearchProgress",
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
        if self._progress is None or is_trial(trainer):
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
        seed_model(model, self._seed)
        self._current = model.name
        if self._progress is not None:
            self._progress.start(model.name, trial=is_trial(trainer))
        return False, not self._restore(trainer, model, stack_name) and self._is_over(stack_name)

    def _restore(
        self, trainer: "AbstractTabularTrainer", model: "AbstractModel", stack_name: str
    ) -> bool:
        """Return whether an earlier attempt has finished this model, which then is not fitted."""
        if self._finished is None or is_trial(trainer):
            return False
        return self._finished.restore(trainer, model, stack_name)

    def _is_over(self, stack_name: str) -> bool:
        """Return whether a model is not to be begun; ensembles of what is finished always are."""
        return self._finish is not None and self._finish.asked and stack_name == SEARCHED_STACK

    def _after_model_fit(
        self,
        trainer: "AbstractTabularTrainer",
        model_names: list[str],
        *,
        stack_name: str,
        **_: Any,
    ) -> bool:
        trainer.save()
        if self._progress is not None and not is_trial(trainer):
            for name in model_names:
                self._report_model(self._progress.report, trainer, name)
            self._progress.finish(hit_limit=not model_names and hit_limit(trainer, self._current))
        if self._finished is not None and not is_trial(trainer):
            self._finished.keep(trainer, model_names, stack_name)
        return False

    def _report_model(
        self, report: "Report", trainer: "AbstractTabularTrainer", name: str
    ) -> None:
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
