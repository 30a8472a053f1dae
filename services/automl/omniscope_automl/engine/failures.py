"""Says why AutoGluon has trained no model, or not this one.

AutoGluon does not tell a callback why a model was not trained (`AbstractCallback.after_model_fit`
gets an empty list); its trainer notes the errors in attributes of its own. Where preparing the
rows, or trying out stacking, took all the time, `TabularPredictor.fit` ends with a bare
AssertionError.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from omniscope_automl.spec import TrainSpec
from omniscope_ml.errors import DataError

if TYPE_CHECKING:
    from autogluon.tabular import TabularPredictor
    from autogluon.tabular.trainer.abstract_trainer import AbstractTabularTrainer

_SHOWN = 3
# How a model fails that another machine, or a quieter one, would have trained.
_LIMIT_ERRORS = ("TimeLimitExceeded", "NotEnoughMemoryError")
_NO_TIME_LEFT = "Not enough time left"


def hit_limit(trainer: "AbstractTabularTrainer", model: str) -> bool:
    """Return whether a model has no other reason than a limit for not having been trained."""
    failure = trainer._models_failed_to_train_errors.get(model)  # noqa: SLF001
    if failure is not None:
        return failure["exc_type"] in _LIMIT_ERRORS
    return model not in trainer._models_skipped_by_constraint  # noqa: SLF001


@contextmanager
def time_may_run_out(spec: TrainSpec) -> Iterator[None]:
    """Tell a fit that ended for want of time from one that failed.

    Raises:
        DataError: NO_MODEL_TRAINED, for want of time.
    """
    try:
        yield
    except AssertionError as error:
        if _NO_TIME_LEFT not in str(error):
            raise
        raise no_time(spec) from error


def no_time(spec: TrainSpec) -> DataError:
    """Return the error of a search that a limit ended before any model was finished."""
    return DataError(
        f"no model could be trained within {spec.time_limit} s; raise time_limit, or include "
        "only fast families such as LR, KNN or GBM",
        reason="NO_MODEL_TRAINED",
        field="time_limit",
    )


def no_model(engine: "TabularPredictor") -> DataError:
    """Return the error of a search that had time and trained no model."""
    return DataError(
        f"none of the models could be trained: {_failures(engine)}", reason="NO_MODEL_TRAINED"
    )


def _failures(engine: "TabularPredictor") -> str:
    failures = engine.model_failures() if engine.is_fit else None
    if failures is None or failures.empty:
        return "no model family is left for this problem; include others"
    shown = failures.head(_SHOWN)
    if set(failures["exc_type"]) == {"NoValidFeatures"}:
        return (
            f"no feature is of use to {', '.join(shown['model'])}; columns that are empty, "
            "constant, or another text in every row are of use to none"
        )
    columns = (shown["model"], shown["exc_str"], shown["exc_type"])
    return "; ".join(
        f"{model}: {text or kind}" for model, text, kind in zip(*columns, strict=True)
    )
