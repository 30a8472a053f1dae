"""Trains one model with AutoGluon: what a worker's child runs, from dataset to package."""

import logging
import os
import time
import warnings
from collections.abc import Mapping
from typing import Any

from omniscope_automl.spec import TrainSpec
from omniscope_service.jobs.report import JobPaths, Report, TrainingOutcome

# Where the stages around the search lie, in percent.
_READING = 0.0
_MEASURING = 92.0
_PACKING = 97.0


def warm() -> None:
    """Import what every training needs, so that a job starts at once."""
    # Threads that spin long while they wait starve each other where processors are shared: beside
    # one busy process LightGBM took four times as long. Threads that never spin take twice as long
    # where they are not. OpenMP reads this when it is loaded, so it comes before the imports.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    import catboost  # noqa: F401
    import lightgbm  # noqa: F401
    import matplotlib.backends.backend_agg
    import matplotlib.backends.backend_svg  # noqa: F401
    import sklearn.ensemble  # noqa: F401
    import xgboost  # noqa: F401
    from autogluon.tabular import models  # noqa: F401

    from omniscope_automl import results, search, trained_package  # noqa: F401


def train(spec: Mapping[str, Any], paths: JobPaths, report: Report) -> TrainingOutcome:
    """Search for a model and write its package, `manifest.json` last.

    Args:
        spec: What `TrainSpec.to_dict` wrote.
        paths: The dataset to read, a folder to work in, the folder of the package, and what an
            earlier attempt has finished.
        report: Hears of every candidate as soon as it is trained.

    Raises:
        DataError: The request or the data cannot give a model; its reason says why.
    """
    from omniscope_automl.finish_request import FinishRequest
    from omniscope_automl.results import write_results
    from omniscope_automl.search import run_search
    from omniscope_automl.search_log import search_log
    from omniscope_automl.trained_package import write_package
    from omniscope_automl.wide_tables import wide_tables
    from omniscope_ml.training.training_table import read_training_table

    started = time.monotonic()
    request, finish = TrainSpec.from_dict(spec), FinishRequest()
    report.progress(_READING, "reading the dataset")
    table = read_training_table(paths.dataset, request)
    with (
        finish.listening(),
        search_log(report, paths.workspace) as log,
        wide_tables(),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # of libraries, at each other: nothing a user can act on
        search = run_search(request, table, paths, report, log, finish)
        log.setLevel(logging.ERROR)  # what follows is ours to tell
        report.progress(_MEASURING, "measuring on the held-out rows")
        results = write_results(paths.package, request, table, search, started=started)
        for entry in results["leaderboard"]:
            report.leaderboard(**entry)
        report.progress(_PACKING, "packing the model")
        write_package(paths.package, request, table, search, results)
    return TrainingOutcome(stopped_early=search.stopped_early)
