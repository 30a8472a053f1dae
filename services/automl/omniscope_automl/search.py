"""Runs AutoGluon on the training rows of a table."""

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from omniscope_automl.finish_request import FinishRequest
from omniscope_automl.finished_models import EarlierSearch, FinishedModels
from omniscope_automl.presets import MODEL_FAMILIES, missing_modules
from omniscope_automl.progress import SearchCallback, SearchProgress
from omniscope_automl.search_log import SearchLog
from omniscope_automl.spec import TrainSpec
from omniscope_ml.errors import DataError
from omniscope_ml.resources import cpu_count, memory_limit_bytes
from omniscope_ml.splits.parts import Rows
from omniscope_ml.training.training_table import TrainingTable

if TYPE_CHECKING:
    import pandas as pd
    from autogluon.tabular import TabularPredictor

    from omniscope_service.jobs.report import JobPaths, Report

_FAILURES_SHOWN = 3
# What AutoGluon says when trying out stacking took all the time.
_NO_TIME_LEFT = "Not enough time left"


@dataclass(frozen=True)
class Search:
    """A finished search.

    Attributes:
        engine: The fitted predictor.
        stopped_early: Whether time or memory kept a model from being trained to its end.
    """

    engine: "TabularPredictor"
    stopped_early: bool


def run_search(
    spec: TrainSpec,
    table: TrainingTable,
    paths: "JobPaths",
    report: "Report",
    log: SearchLog,
    finish: FinishRequest,
) -> Search:
    """Train candidates until the time limit; the held-out rows are never shown to AutoGluon.

    Args:
        spec: What to train.
        table: Its rows; only the training part is used.
        paths: Where AutoGluon's files go, and where an earlier attempt's models are.
        report: Hears of every model as soon as it is trained.
        log: Where AutoGluon's log goes.
        finish: Asks for what there is, at a limit.

    Raises:
        DataError: NO_MODEL_TRAINED or MODEL_FAMILY_UNAVAILABLE.
    """
    from autogluon.tabular import TabularPredictor

    from omniscope_automl.planned_validation import validation_arguments

    excluded = _excluded_families(spec)
    earlier = EarlierSearch.read(paths.resume, report)
    finished = FinishedModels(earlier, report, paths.workspace)
    _seed_everything(spec.seed)
    engine = TabularPredictor(**_predictor_arguments(spec, table, paths.workspace / "search"))
    seconds = earlier.seconds_left(spec.time_limit)
    with (
        SearchProgress(report, seconds) as progress,
        _mlflow_hidden(),
        _time_may_run_out(spec, engine),
    ):
        engine.fit(
            engine_frame(spec, table, table.hold_out.train),
            callbacks=[SearchCallback(progress, finished, finish, spec.seed)],
            excluded_model_types=excluded,
            time_limit=seconds,
            **_fit_arguments(spec),
            **_stacking_arguments(earlier) | validation_arguments(table),
        )
    if not engine.model_names():
        raise _no_model(spec, engine, cut_short=log.cut_short or finish.asked)
    stopped_early = log.cut_short or finish.asked or not progress.complete
    return Search(engine, stopped_early)


def engine_frame(spec: TrainSpec, table: TrainingTable, rows: Rows) -> "pd.DataFrame":
    """Return rows as AutoGluon takes them: features, target and, where there is one, weight."""
    import pandas as pd

    frame = table.frame.iloc[rows].reset_index(drop=True)
    columns: dict[str, Any] = {spec.target_column: pd.Series(table.target[rows].tolist())}
    if spec.weight_column is not None and table.weights is not None:
        columns[spec.weight_column] = table.weights[rows]
    return frame.assign(**columns)


@contextmanager
def _time_may_run_out(spec: TrainSpec, engine: "TabularPredictor") -> Iterator[None]:
    """Tell a fit that ended for want of time from one that failed."""
    from autogluon.core.utils.exceptions import TimeLimitExceeded

    try:
        yield
    except AssertionError as error:
        if _NO_TIME_LEFT not in str(error):
            raise
        raise _no_model(spec, engine, cut_short=True) from error
    except TimeLimitExceeded as error:
        # The request to finish came between two models, where AutoGluon does not expect it.
        raise _no_model(spec, engine, cut_short=True) from error


@contextmanager
def _mlflow_hidden() -> Iterator[None]:
    """Keep AutoGluon from importing MLflow, which it does to warn of a setting nobody uses here.

    That import takes seconds and 100 MB of every training.
    """
    hidden = "mlflow" not in sys.modules
    if hidden:
        sys.modules["mlflow"] = None  # type: ignore[assignment]  # makes the import fail
    try:
        yield
    finally:
        if hidden:
            del sys.modules["mlflow"]


def _predictor_arguments(spec: TrainSpec, table: TrainingTable, folder: Path) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "label": spec.target_column,
        "problem_type": spec.problem_type,
        "eval_metric": spec.eval_metric,
        "path": str(folder),
        "verbosity": 2,
        "sample_weight": spec.weight_column,
        # AutoGluon drops classes with fewer than 10 rows unless told not to.
        "learner_kwargs": {"random_state": spec.seed, "label_count_threshold": 1},
    }
    if table.labels is not None and spec.problem_type == "binary":
        positive = table.labels.positive_code(spec.positive_class)
        arguments["positive_class"] = table.labels.values[positive]
    return arguments


def _fit_arguments(spec: TrainSpec) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "presets": spec.quality,
        "num_cpus": cpu_count(),
        "num_gpus": 0,
        "memory_limit": memory_limit_bytes() / 2**30,
        "fit_strategy": "sequential",
        # Folds one after the other and trials in this process: no Ray.
        "ag_args_ensemble": {
            "fold_fitting_strategy": "sequential_local",
            "model_random_seed": spec.seed,
        },
        "ds_args": {"memory_safe_fits": False, "enable_ray_logging": False},
        # A trial that trains no model would otherwise leave AutoGluon unable to go on.
        "raise_on_no_models_fitted": False,
    }
    if spec.included_model_families:
        arguments["hyperparameters"] = _included_configurations(spec)
    return arguments


def _stacking_arguments(earlier: EarlierSearch) -> dict[str, Any]:
    """Return what spares AutoGluon to find out once more whether stacking helps."""
    if earlier.stack_levels is None:
        return {}
    return {"dynamic_stacking": False, "num_stack_levels": earlier.stack_levels}


def _included_configurations(spec: TrainSpec) -> dict[str, Any]:
    """Return the preset's configurations of the families asked for, or a family's defaults."""
    from autogluon.tabular.configs.hyperparameter_configs import get_hyperparameter_config
    from autogluon.tabular.configs.presets_configs import tabular_presets_dict

    portfolio = tabular_presets_dict[spec.quality].get("hyperparameters", "default")
    configurations = get_hyperparameter_config(portfolio)
    return {family: configurations.get(family, {}) for family in spec.included_model_families}


def _excluded_families(spec: TrainSpec) -> list[str]:
    """Return the families to leave out, those among them that this machine cannot train.

    Raises:
        DataError: MODEL_FAMILY_UNAVAILABLE when one was asked for by name.
    """
    missing = {family: missing_modules(family) for family in MODEL_FAMILIES}
    for family in spec.included_model_families:
        if missing.get(family):
            raise DataError(
                f"model family {family!r} needs {', '.join(missing[family])}, which this worker "
                "does not have",
                reason="MODEL_FAMILY_UNAVAILABLE",
                field="included_model_families",
            )
    unavailable = (family for family, modules in missing.items() if modules)
    return sorted({*spec.excluded_model_families, *unavailable})


def _seed_everything(seed: int) -> None:
    """Seed the global generators too, for model code that draws from them."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - what AutoGluon's models use


def _no_model(spec: TrainSpec, engine: "TabularPredictor", *, cut_short: bool) -> DataError:
    if cut_short:
        return DataError(
            f"no model could be trained within {spec.time_limit} s; raise time_limit, or include "
            "only fast families such as LR, KNN or GBM",
            reason="NO_MODEL_TRAINED",
            field="time_limit",
        )
    return DataError(
        f"none of the models could be trained: {_failures(engine)}", reason="NO_MODEL_TRAINED"
    )


def _failures(engine: "TabularPredictor") -> str:
    failures = engine.model_failures() if engine.is_fit else None
    if failures is None or failures.empty:
        return "no model family is left for this problem; include others"
    shown = failures.head(_FAILURES_SHOWN)
    if set(failures["exc_type"]) == {"NoValidFeatures"}:
        return (
            f"no feature is of use to {', '.join(shown['model'])}; columns that are empty, "
            "constant, or another text in every row are of use to none"
        )
    columns = (shown["model"], shown["exc_str"], shown["exc_type"])
    return "; ".join(
        f"{model}: {text or kind}" for model, text, kind in zip(*columns, strict=True)
    )
