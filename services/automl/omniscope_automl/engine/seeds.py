"""Seeds everything that AutoGluon draws at random.

AutoGluon has no seed of its own for a fit: `learner_kwargs["random_state"]` divides the rows, and
`ag_args_ensemble["model_random_seed"]` seeds bagged models. A model that is not bagged is fitted
with `AbstractModel.default_random_seed`, 0, whatever was asked for.
"""

import random
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from autogluon.core.models import AbstractModel


def seed_everything(seed: int) -> None:
    """Seed the global generators too, for model code that draws from them."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - what AutoGluon's models use


def seed_division(seed: int) -> dict[str, Any]:
    """Return the learner's arguments that seed the division of rows."""
    return {"random_state": seed}


def seed_bagged_models(seed: int) -> dict[str, Any]:
    """Return the ensemble's arguments that seed bagged models."""
    return {"model_random_seed": seed}


def seed_model(model: "AbstractModel", seed: int) -> None:
    """Seed a model that is about to be fitted, should it not be bagged."""
    model.default_random_seed = seed
