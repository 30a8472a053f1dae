"""The arguments of AutoGluon's predictor and of its fit.

One of its defaults is wrong here: `DefaultLearner` gives up classes with fewer than 10 rows, as
long as 97.5 % of the rows are left, and never predicts them (`label_count_threshold`).
"""

from typing import TYPE_CHECKING, Any

from omniscope_automl.engine.seeds import seed_bagged_models, seed_division
from omniscope_automl.engine.stacking_trial import TRIAL_ARGUMENTS
from omniscope_automl.presets import MODEL_FAMILIES, missing_modules
from omniscope_automl.spec import TrainSpec
from omniscope_ml.errors import DataError
from omniscope_ml.splits.parts import Rows
from omniscope_ml.training.training_table import TrainingTable
from omniscope_service.resources import cpu_count, memory_limit_bytes

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd


def engine_frame(spec: TrainSpec, table: TrainingTable, rows: Rows) -> "pd.DataFrame":
    """Return rows as AutoGluon takes them: features, target and, where there is one, weight."""
    import pandas as pd

    frame = table.frame.iloc[rows].reset_index(drop=True)
    columns: dict[str, Any] = {spec.target_column: pd.Series(table.target[rows].tolist())}
    if spec.weight_column is not None and table.weights is not None:
        columns[spec.weight_column] = table.weights[rows]
    return frame.assign(**columns)


def predictor_arguments(spec: TrainSpec, table: TrainingTable, folder: "Path") -> dict[str, Any]:
    """Return the arguments of `TabularPredictor`, whose files go into `folder`."""
    arguments: dict[str, Any] = {
        "label": spec.target_column,
        "problem_type": spec.problem_type,
        "eval_metric": spec.eval_metric,
        "path": str(folder),
        "verbosity": 2,
        "sample_weight": spec.weight_column,
        "learner_kwargs": {"label_count_threshold": 1, **seed_division(spec.seed)},
    }
    if table.labels is not None and spec.problem_type == "binary":
        positive = table.labels.positive_code(spec.positive_class)
        arguments["positive_class"] = table.labels.values[positive]
    return arguments


def fit_arguments(spec: TrainSpec) -> dict[str, Any]:
    """Return the arguments of `TabularPredictor.fit` that a request decides.

    Raises:
        DataError: MODEL_FAMILY_UNAVAILABLE.
    """
    arguments: dict[str, Any] = {
        "presets": spec.quality,
        "excluded_model_types": _excluded_families(spec),
        "num_cpus": cpu_count(),
        "num_gpus": 0,
        "memory_limit": memory_limit_bytes() / 2**30,
        "fit_strategy": "sequential",
        # Folds one after the other: no Ray.
        "ag_args_ensemble": {
            "fold_fitting_strategy": "sequential_local",
            **seed_bagged_models(spec.seed),
        },
        **TRIAL_ARGUMENTS,
    }
    if spec.included_model_families:
        arguments["hyperparameters"] = _included_configurations(spec)
    return arguments


def _included_configurations(spec: TrainSpec) -> dict[str, Any]:
    """Return the preset's configurations of the families asked for, or a family's defaults."""
    from autogluon.tabular.configs.hyperparameter_configs import get_hyperparameter_config
    from autogluon.tabular.configs.presets_configs import tabular_presets_dict

    portfolio = tabular_presets_dict[spec.quality].get("hyperparameters", "default")
    configurations = get_hyperparameter_config(portfolio)
    return {family: configurations.get(family, {}) for family in spec.included_model_families}


def _excluded_families(spec: TrainSpec) -> list[str]:
    """Return the families to leave out, those among them that this machine cannot train."""
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
