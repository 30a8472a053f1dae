"""A trainer that only reports: metric points at a fixed rate whose values say when they were sent.

The monotonic clock is the machine's, so that every other process can tell how old a point is.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omniscope_service.jobs.report import JobPaths, Report, TrainingOutcome

METRIC = "sent_at"
_LOOK_SECONDS = 0.01


def warm() -> None:
    """Imports nothing: there is nothing to train."""


def train(spec: Mapping[str, Any], paths: JobPaths, report: Report) -> TrainingOutcome:
    """Reports once the start file is there; the job fails at its end, for it makes no model.

    Args:
        spec: `start_file`; `points`, how many to report; `pause_seconds` from one to the next, 0
            for as fast as possible.
        paths: Not used.
        report: Takes the points.
    """
    del paths
    while not Path(spec["start_file"]).exists():
        time.sleep(_LOOK_SECONDS)
    due = time.monotonic()
    for step in range(spec["points"]):
        report.metric(METRIC, time.monotonic(), step=step, split="")
        due += spec["pause_seconds"]
        time.sleep(max(0.0, due - time.monotonic()))
    return TrainingOutcome(stopped_early=False)
