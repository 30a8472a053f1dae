"""The surroundings of a training by AutoGluon: its log, its limits, its replaced functions."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from omniscope_automl.engine.finish_request import FinishRequest
from omniscope_automl.engine.refit import short_refit
from omniscope_automl.engine.search_log import SearchLog, search_log
from omniscope_automl.engine.wide_tables import wide_tables

if TYPE_CHECKING:
    from omniscope_service.jobs.report import Report


@dataclass(frozen=True)
class Session:
    """AutoGluon, ready for a training.

    Attributes:
        log: Passes AutoGluon's log on.
        finish: Whether the worker asks for what there is, at a limit.
    """

    log: SearchLog
    finish: FinishRequest

    def quiet(self) -> None:
        """Pass on errors only, from now on."""
        self.log.setLevel(logging.ERROR)


@contextmanager
def autogluon_session(report: "Report", workspace: Path) -> Iterator[Session]:
    """Prepare AutoGluon for one training, and give back what was changed for it.

    Args:
        report: Where AutoGluon's log goes.
        workspace: Folder whose path is kept out of the log.
    """
    finish = FinishRequest()
    with (
        finish.listening(),
        search_log(report, workspace) as log,
        short_refit(finish),
        wide_tables(),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # of libraries, at each other: nothing a user can act on
        yield Session(log, finish)
