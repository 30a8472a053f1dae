"""Lives with AutoGluon's trial of stacking, which it calls DyStack.

`TabularPredictor._dynamic_stacking` fits a whole search on a part of the rows, discards it, and
then decides whether to stack. Two of its habits matter here:

- It calls the callbacks of the search for the models of the trial too; only the folder that these
  lie in tells them from the models that count.
- A trial that raises leaves the predictor with the trial's learner (`_dystack` returns before it
  gives the learner back), and the search itself then goes wrong. With no model to show, a fit
  raises unless it is told not to.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from autogluon.tabular.trainer.abstract_trainer import AbstractTabularTrainer

_FOLDER: Final = "ds_sub_fit"

TRIAL_ARGUMENTS: Final[dict[str, Any]] = {
    # In this process: no Ray.
    "ds_args": {"memory_safe_fits": False, "enable_ray_logging": False},
    "raise_on_no_models_fitted": False,
}
"""The arguments of `fit` for the trial."""


def is_trial(trainer: "AbstractTabularTrainer") -> bool:
    """Return whether a trainer belongs to the trial, whose models are discarded."""
    return _FOLDER in Path(trainer.path).parts
