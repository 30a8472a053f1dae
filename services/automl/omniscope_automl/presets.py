"""AutoGluon's presets, model families and metrics that a request may name, by its own names.

The API process checks requests against these names, so they are written down here instead of being
asked of AutoGluon, whose import takes seconds. A test holds them against the installed version.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Final


@dataclass(frozen=True)
class Preset:
    """A preset of AutoGluon.

    Attributes:
        name: As AutoGluon names it.
        description: What it means, for a person.
        bagging: Whether it trains several folds of each model and averages them.
        stacking: Whether it trains models on the predictions of others.
    """

    name: str
    description: str
    bagging: bool
    stacking: bool


# Best quality first. Presets that need a GPU and weights from the network are left out.
PRESETS: Final[tuple[Preset, ...]] = (
    Preset(
        name="best_quality",
        description="The most accurate models, without regard to size or speed. Give it an hour.",
        bagging=True,
        stacking=True,
    ),
    Preset(
        name="high_quality",
        description="Nearly as accurate; each model is refitted on all training rows, which makes "
        "predictions about 8 times faster.",
        bagging=True,
        stacking=True,
    ),
    Preset(
        name="good_quality",
        description="Like high_quality with smaller models: accurate and fast in prediction.",
        bagging=True,
        stacking=True,
    ),
    Preset(
        name="medium_quality",
        description="One fit of each model family and a weighted ensemble; trains in seconds to "
        "minutes. The place to start.",
        bagging=False,
        stacking=False,
    ),
)
DEFAULT_PRESET: Final = "medium_quality"
_BAGGING: Final = frozenset(preset.name for preset in PRESETS if preset.bagging)

# The families that learn from the table alone. NN_TORCH and FASTAI need torch on the worker.
MODEL_FAMILIES: Final[tuple[str, ...]] = (
    "GBM",
    "CAT",
    "XGB",
    "RF",
    "XT",
    "KNN",
    "LR",
    "NN_TORCH",
    "FASTAI",
)

# What each family needs beyond AutoGluon itself: modules by family.
FAMILY_REQUIREMENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "GBM": ("lightgbm",),
    "CAT": ("catboost",),
    "XGB": ("xgboost",),
    "NN_TORCH": ("torch",),
    "FASTAI": ("torch", "fastai"),
}

_CLASSIFICATION: Final = (
    "accuracy",
    "balanced_accuracy",
    "f1_macro",
    "f1_micro",
    "f1_weighted",
    "log_loss",
    "mcc",
    "precision_macro",
    "precision_micro",
    "precision_weighted",
    "quadratic_kappa",
    "recall_macro",
    "recall_micro",
    "recall_weighted",
)

# By problem type, one name per metric: AutoGluon's abbreviations are left out.
METRICS: Final[Mapping[str, tuple[str, ...]]] = {
    "binary": (*_CLASSIFICATION, "average_precision", "f1", "precision", "recall", "roc_auc"),
    "multiclass": (
        *_CLASSIFICATION,
        "roc_auc_ovo",
        "roc_auc_ovo_weighted",
        "roc_auc_ovr",
        "roc_auc_ovr_micro",
        "roc_auc_ovr_weighted",
    ),
    "regression": (
        "root_mean_squared_error",
        "mean_absolute_error",
        "mean_absolute_percentage_error",
        "mean_squared_error",
        "median_absolute_error",
        "pearsonr",
        "r2",
        "spearmanr",
        "symmetric_mean_absolute_percentage_error",
    ),
}
DEFAULT_METRICS: Final[Mapping[str, str]] = {
    "binary": "accuracy",
    "multiclass": "accuracy",
    "regression": "root_mean_squared_error",
}


def bags(preset: str) -> bool:
    """Return whether a preset trains several folds of each model."""
    return preset in _BAGGING


def missing_modules(family: str) -> list[str]:
    """Return what a family needs and this machine does not have; nothing is imported."""
    return [name for name in FAMILY_REQUIREMENTS.get(family, ()) if find_spec(name) is None]
