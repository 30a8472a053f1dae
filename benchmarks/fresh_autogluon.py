"""What one would write without the suite: import AutoGluon, read a CSV, fit, print the score."""

import json
import sys
import tempfile
from typing import Any

import pandas as pd
from autogluon.tabular import TabularPredictor
from autogluon.tabular.configs.hyperparameter_configs import get_hyperparameter_config


def main(settings: dict[str, Any]) -> None:
    """Fits the rows with the settings and prints the best validation score."""
    frame = pd.read_csv(settings["rows"])
    portfolio = get_hyperparameter_config("default")
    with tempfile.TemporaryDirectory() as folder:
        # The smallest of the tissues has fewer rows than AutoGluon keeps by default.
        learner = {"label_count_threshold": 1}
        predictor = TabularPredictor("tissue", path=folder, verbosity=0, learner_kwargs=learner)
        predictor.fit(
            frame,
            presets="medium_quality",
            time_limit=settings["time_limit"],
            hyperparameters={family: portfolio.get(family, {}) for family in settings["families"]},
        )
        print(predictor.leaderboard()["score_val"].max())


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
