"""Trains one network: what a worker's child runs, from dataset to package."""

import os
import time
from collections.abc import Mapping
from typing import Any

from omniscope_deeplearning.spec import TrainSpec
from omniscope_ml.codec import decode
from omniscope_service.jobs.report import JobPaths, Report, TrainingOutcome

# Where the stages around the epochs lie, in percent.
_READING = 0.0
_MEASURING = 92.0
_PACKING = 97.0


def warm() -> None:
    """Import what every training needs, so that a job starts at once."""
    # Threads that spin long while they wait starve each other where processors are shared.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    # Without it cuBLAS is not deterministic; it is read when CUDA starts.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    import matplotlib.backends.backend_agg
    import matplotlib.backends.backend_svg  # noqa: F401
    import pandas as pd  # noqa: F401

    from omniscope_deeplearning import fit, package, results  # noqa: F401


def train(spec: Mapping[str, Any], paths: JobPaths, report: Report) -> TrainingOutcome:
    """Train a network and write its package, `manifest.json` last.

    Args:
        spec: A `TrainSpec`, encoded.
        paths: The dataset to read, a folder to work in, the folder of the package, and where an
            earlier attempt stood.
        report: Receives every epoch.

    Raises:
        DataError: The request or the data cannot give a model; its reason says why.
        LostProcessError: One of the processes that share the training died.
        TrainingMemoryError: Memory ran out; the message has figures and says what needs less.
        SystemExit: The worker asked for the end; a checkpoint is left.
    """
    from omniscope_deeplearning.capacity import check_capacity
    from omniscope_deeplearning.checkpoints import Checkpoint
    from omniscope_deeplearning.device import check_devices
    from omniscope_deeplearning.fit import fit_network
    from omniscope_deeplearning.memory import explained_memory_error
    from omniscope_deeplearning.package import write_package
    from omniscope_deeplearning.prepared import read_prepared_table
    from omniscope_deeplearning.ranks import launched_ranks
    from omniscope_deeplearning.results import write_results
    from omniscope_deeplearning.stop_request import StopRequest

    started = time.monotonic()
    request, stop = decode(TrainSpec, spec), StopRequest()
    check_devices(request)
    report.progress(_READING, "reading the dataset")
    with stop.listening(), explained_memory_error(request):
        prepared = read_prepared_table(paths.dataset, request)
        check_capacity(request, prepared)
        checkpoint = Checkpoint.read(paths.resume, request, report)
        if checkpoint is not None:
            started -= checkpoint.state.seconds  # what earlier attempts trained counts too
        with launched_ranks(request, paths, stop) as world:
            fit = fit_network(
                request,
                prepared,
                checkpoint,
                report,
                folder=paths.workspace / "checkpoint",
                stop=stop,
                world=world,
            )
        report.progress(_MEASURING, "measuring on the held-out rows")
        results = write_results(paths.package, request, prepared, fit, started=started)
        report.leaderboard(**results["leaderboard"][0])
        report.progress(_PACKING, "packing the model")
        write_package(paths.package, request, prepared, fit, results)
    return TrainingOutcome(stopped_early=fit.state.stopped_early)
