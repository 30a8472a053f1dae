"""Tells watchers how far a search is."""

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omniscope_service.jobs.report import Report

# The search lies between these percentages; before it is reading, after it measuring and packing.
SEARCH_STARTS = 2.0
SEARCH_ENDS = 90.0

_LONGEST_SILENCE_SECONDS = 30.0
_SHORTEST_SILENCE_SECONDS = 2.0


class SearchProgress:
    """How far a search is: by models done of those planned or by time, whichever is further.

    Progress is repeated while a model trains, so that a long one shows as time passing.

    Args:
        report: Where to tell it.
        time_limit: Seconds that the search may take.
    """

    def __init__(self, report: "Report", time_limit: float) -> None:
        self._report = report
        self._time_limit = time_limit
        self._started = time.monotonic()
        self._planned = 0
        self._done = 0
        self._skipped = False
        self._phase = "preparing the features"
        self._ended = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="search-progress", daemon=True)

    def __enter__(self) -> "SearchProgress":
        self.tell()
        self._ticker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._ticker.join()

    @property
    def report(self) -> "Report":
        """Where it is told."""
        return self._report

    @property
    def complete(self) -> bool:
        """Whether every planned model had its turn and none was skipped because of a limit."""
        return self._done >= self._planned and not self._skipped

    def plan(self, models: int) -> None:
        """Set how many models the search will try."""
        self._planned = models

    def start(self, model: str, *, trial: bool) -> None:
        """Say that a model is being trained now; in a trial of stacking it is not kept."""
        self._phase = f"trying out stacking: {model}" if trial else f"training {model}"
        self.tell()

    def finish(self, *, hit_limit: bool) -> None:
        """Count a model that had its turn, trained or not."""
        self._done += 1
        self._skipped = self._skipped or hit_limit
        self.tell()

    def tell(self) -> None:
        """Report the percentage and the time left."""
        elapsed = time.monotonic() - self._started
        by_models = min(self._done / self._planned, 1.0) if self._planned else 0.0
        share = max(by_models, min(elapsed / self._time_limit, 1.0))
        self._report.progress(
            SEARCH_STARTS + share * (SEARCH_ENDS - SEARCH_STARTS),
            self._phase,
            completed=min(self._done, self._planned),
            total=self._planned,
            eta_seconds=self._seconds_left(elapsed, by_models),
        )

    def _seconds_left(self, elapsed: float, by_models: float) -> float:
        left = max(self._time_limit - elapsed, 0.0)
        return min(left, elapsed / by_models - elapsed) if by_models else left

    def _tick(self) -> None:
        silence = min(
            max(self._time_limit / 200, _SHORTEST_SILENCE_SECONDS), _LONGEST_SILENCE_SECONDS
        )
        while not self._ended.wait(silence):
            self.tell()
