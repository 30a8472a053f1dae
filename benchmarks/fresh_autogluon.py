"""What one would write without the suite: import AutoGluon, read a CSV, fit, print the score."""

import json
import sys
import tempfile

import pandas as pd
from autogluon.tabular import TabularPredictor


def main(settings: dict[str, object]) -> None:
    """Fits the rows with the settings and prints the best validation score."""
    frame = pd.read_csv(str(settings["rows"]))
    with tempfile.TemporaryDirectory() as folder:
        predictor = TabularPredictor(label="tissue", path=folder, verbosity=0)
        predictor.fit(
            frame,
            presets="medium_quality",
            time_limit=settings["time_limit"],
            included_model_types=settings["families"],
            fold_fitting_strategy="sequential_local",
        )
        print(predictor.leaderboard()["score_val"].max())


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
