"""Trains one model with AutoGluon: what a worker's child runs, from dataset to package."""

import time
from collections.abc import Mapping
from typing import Any

from omniscope_automl.spec import TrainSpec
from omniscope_ml.codec import decode
from omniscope_service.jobs.report import JobPaths, Report, TrainingOutcome

# Where the stages around the search lie, in percent.
_READING = 0.0
_MEASURING = 92.0
_PACKING = 97.0


def warm() -> None:
    """Import what every training needs, so that a job starts at once."""
    from omniscope_automl.engine.libraries import load_libraries

    load_libraries()
    import matplotlib.backends.backend_agg
    import matplotlib.backends.backend_svg  # noqa: F401

    from omniscope_automl import results, trained_package  # noqa: F401
    from omniscope_automl.engine import search, session  # noqa: F401


def train(spec: Mapping[str, Any], paths: JobPaths, report: Report) -> TrainingOutcome:
    """Search for a model and write its package, `manifest.json` last.

    Args:
        spec: A `TrainSpec`, encoded.
        paths: The dataset to read, a folder to work in, the folder of the package, and what an
            earlier attempt has finished.
        report: Receives every candidate as soon as it is trained.

    Raises:
        DataError: The request or the data cannot give a model; its reason says why.
    """
    from omniscope_automl.engine.search import run_search
    from omniscope_automl.engine.session import autogluon_session
    from omniscope_automl.results import write_results
    from omniscope_automl.trained_package import write_package
    from omniscope_ml.training.training_table import read_training_table

    started = time.monotonic()
    request = decode(TrainSpec, spec)
    with autogluon_session(report, paths.workspace) as session:
        report.progress(_READING, "reading the dataset")
        table = read_training_table(paths.dataset, request)
        search = run_search(request, table, paths, report, session)
        session.quiet()  # what follows is ours to tell
        report.progress(_MEASURING, "measuring on the held-out rows")
        results = write_results(paths.package, request, table, search, started=started)
        for entry in results["leaderboard"]:
            report.leaderboard(**entry)
        report.progress(_PACKING, "packing the model")
        write_package(paths.package, request, table, search, results)
    return TrainingOutcome(stopped_early=search.stopped_early)
