"""Hands AutoGluon's log to the job's watchers, and notices there when a limit was hit.

Its import adds a handler that writes to the terminal (`autogluon.common.utils.log_utils`). And it
says nowhere else that it cut a model short: the model counts as trained, and `model_failures` is
silent about it.
"""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omniscope_service.jobs.report import Report, Severity

# Of a model that was skipped for want of memory the callback hears; the log also warns of such
# that are trained nevertheless.
_CUT_SHORT = re.compile(
    r"out of time|low (time|memory)|lack of time|not enough time|time limit (exceeded|reached)",
    re.IGNORECASE,
)
# `get_gpu_count_torch` (`autogluon.common.utils.resource_utils`) warns of it for every model where
# torch is not installed; families that need it are left out anyway.
_NO_TORCH = "Failed to import torch"


class SearchLog(logging.Handler):
    """Turns log records into log lines of the job.

    Attributes:
        cut_short: Whether a model was skipped or stopped for want of time, or made smaller for
            want of memory.

    Args:
        report: Where the lines go.
        workspace: Folder whose path is kept out of them.
    """

    def __init__(self, report: "Report", workspace: Path) -> None:
        super().__init__()
        self.cut_short = False
        self._report = report
        self._workspace = str(workspace)

    def emit(self, record: logging.LogRecord) -> None:
        """Report each line of a record."""
        text = record.getMessage().replace(self._workspace, "workspace")
        if _NO_TORCH in text:
            return
        self.cut_short = self.cut_short or bool(_CUT_SHORT.search(text))
        for line in text.splitlines():
            if line.strip():
                self._report.log(line.replace("\t", "    "), _severity(record.levelno))


@contextmanager
def search_log(report: "Report", workspace: Path) -> Iterator[SearchLog]:
    """Send AutoGluon's log to the report instead of the terminal, for the time of a search."""
    import autogluon.tabular  # noqa: F401 - its import adds a handler: before it is replaced

    engine_log = logging.getLogger("autogluon")
    before, propagate = engine_log.handlers[:], engine_log.propagate
    log = SearchLog(report, workspace)
    engine_log.handlers[:] = [log]
    engine_log.propagate = False
    try:
        yield log
    finally:
        engine_log.handlers[:] = before
        engine_log.propagate = propagate


def _severity(level: int) -> "Severity":
    if level >= logging.ERROR:
        return "error"
    if level >= logging.WARNING:
        return "warning"
    return "info" if level >= logging.INFO else "debug"
