"""The candidates of a search, in the order of their scores."""

import math

from omniscope_automl.engine.leaderboard import leaderboard
from tests.unit.penguins import penguins

REFITTED = {
    "hyperparameters": {"KNN": {}},
    "fit_weighted_ensemble": False,
    "refit_full": True,
    "num_bag_folds": 2,
    "ag_args_ensemble": {"fold_fitting_strategy": "sequential_local"},
}


def test_autogluon_gives_a_refitted_model_no_validation_score(fit_plainly):
    table = fit_plainly(**REFITTED).leaderboard().set_index("model")

    assert math.isnan(table.loc["KNeighbors_BAG_L1_FULL", "score_val"])


def test_a_refitted_model_has_the_score_of_the_one_that_it_was_made_of(fit_plainly):
    first, second = leaderboard(fit_plainly(**REFITTED), penguins())

    assert {first["model"], second["model"]} == {"KNeighbors_BAG_L1", "KNeighbors_BAG_L1_FULL"}
    assert first["score_validation"] == second["score_validation"]
