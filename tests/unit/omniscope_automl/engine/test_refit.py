"""What is refitted on all rows when a search is over."""

import dataclasses
import json

import pytest

from tests.unit.omniscope_automl.conftest import SPEC
from tests.unit.omniscope_automl.engine.test_finish_request import LimitedReport

REFITTING = dataclasses.replace(
    SPEC, quality="good_quality", included_model_families=("KNN", "LR"), time_limit=120
)
REFITTED = {
    "hyperparameters": {"KNN": [{"n_neighbors": 3}, {"n_neighbors": 5}]},
    "fit_weighted_ensemble": False,
    "refit_full": True,
    "set_best_to_refit_full": True,
    "num_bag_folds": 2,
    "ag_args_ensemble": {"fold_fitting_strategy": "sequential_local"},
}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_at_a_limit_the_chosen_model_is_refitted_and_no_other(train_model):
    training = train_model(REFITTING, report=LimitedReport(models=2))

    results = json.loads((training.package / "results.json").read_text())
    models = {entry["model"] for entry in results["leaderboard"]}
    assert training.outcome.stopped_early
    assert results["best_model"].endswith("_FULL")
    assert {"KNeighbors_BAG_L1", "LinearModel_BAG_L1", "LinearModel_BAG_L1_FULL"} <= models
    assert "KNeighbors_BAG_L1_FULL" not in models


def test_autogluon_refits_every_model_though_one_is_chosen(fit_plainly):
    predictor = fit_plainly(**REFITTED)

    assert predictor.model_refit_map().keys() == {"KNeighbors_BAG_L1", "KNeighbors_2_BAG_L1"}
