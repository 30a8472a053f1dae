"""AutoGluon's trial of stacking, as its callbacks and its predictor see it."""

import pytest
from autogluon.core.callbacks import AbstractCallback

from omniscope_automl.engine.stacking_trial import is_trial

STACKING = {
    "hyperparameters": {"KNN": {}},
    "num_bag_folds": 2,
    "num_stack_levels": 1,
    "dynamic_stacking": True,
    "ds_args": {"memory_safe_fits": False, "enable_ray_logging": False},
    "ag_args_ensemble": {"fold_fitting_strategy": "sequential_local"},
    "time_limit": 120,
}


class TrialCallback(AbstractCallback):  # type: ignore[misc]  # AutoGluon is untyped
    """Notes for each model whether the trial fits it, and leaves out those of the trial."""

    def __init__(self) -> None:
        super().__init__()
        self.trials: list[bool] = []

    def __deepcopy__(self, memo: dict[int, object]) -> "TrialCallback":
        return self

    def _before_model_fit(self, trainer, **_):
        self.trials.append(is_trial(trainer))
        return False, self.trials[-1]


@pytest.fixture
def callback() -> TrialCallback:
    return TrialCallback()


def test_autogluon_calls_the_callbacks_of_a_search_in_its_trial_too(fit_plainly, callback):
    fit_plainly(callbacks=[callback], raise_on_no_models_fitted=False, **STACKING)

    assert set(callback.trials) == {True, False}
    assert callback.trials == sorted(callback.trials, reverse=True), "the trial comes first"


def test_autogluon_cannot_go_on_after_a_trial_that_raised(fit_plainly, callback):
    with pytest.raises(AssertionError):
        fit_plainly(callbacks=[callback], **STACKING)
