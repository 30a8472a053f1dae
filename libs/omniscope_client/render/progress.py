"""Folds a job's events into what a watcher wants to know now."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from omniscope.common.v1.job_event_pb2 import (
    LOG_SEVERITY_INFO,
    LOG_SEVERITY_WARNING,
    JobEvent,
    LeaderboardEntry,
    LogLine,
    Progress,
)
from omniscope.common.v1.job_pb2 import JOB_STATE_QUEUED, JOB_STATE_SUCCEEDED, Job
from omniscope_client.jobs import TERMINAL_STATES
from omniscope_client.render.curves import Curves

NETWORKS = "deeplearning"
SEARCHES = "automl"


@dataclass
class JobProgress:
    """Where a watched job stands.

    Attributes:
        job: The newest snapshot, brought up to date by the state changes after it.
        percent: 0 to 100.
        phase: What is done now.
        candidates: The models that this attempt has trained so far, by name.
        curves: Losses and metrics by epoch, of all attempts.
        log: Log lines that a user should look at, each once, and why attempts were lost.
        connected: Whether the stream is up.
        on_lost: Called when it breaks.
    """

    job: Job = field(default_factory=Job)
    percent: float = 0.0
    phase: str = ""
    candidates: dict[str, LeaderboardEntry] = field(default_factory=dict)
    curves: Curves = field(default_factory=Curves)
    log: list[LogLine] = field(default_factory=list)
    connected: bool = True
    on_lost: Callable[[], None] = lambda: None
    _ends_at: float | None = None

    @property
    def finished(self) -> bool:
        """Whether the job has ended."""
        return self.job.state in TERMINAL_STATES

    @property
    def succeeded(self) -> bool:
        """Whether it ended with a result."""
        return self.job.state == JOB_STATE_SUCCEEDED

    @property
    def searches(self) -> bool:
        """Whether candidates compete; a network is the only one of its job."""
        return self.job.service != NETWORKS

    @property
    def lost_attempt(self) -> int:
        """The attempt that was lost while the job waits for the next one; 0 when none was."""
        return self.job.attempt if self.job.state == JOB_STATE_QUEUED else 0

    @property
    def ranking(self) -> list[LeaderboardEntry]:
        """The candidates, best first; among equals the one that was ranked first."""
        return sorted(self.candidates.values(), key=lambda c: (-c.score_validation, c.rank))

    @property
    def eta_seconds(self) -> float | None:
        """Estimated time left now; None when unknown."""
        return None if self._ends_at is None else max(self._ends_at - time.monotonic(), 0.0)

    def is_shown(self, line: LogLine) -> bool:
        """Whether a user should see a line: a search prints far too many that only inform."""
        search = self.job.service == SEARCHES
        return line.severity >= (LOG_SEVERITY_WARNING if search else LOG_SEVERITY_INFO)

    def add(self, event: JobEvent) -> None:
        """Take one event in; the order is the stream's."""
        self.connected = True
        match event.WhichOneof("event"):
            case "snapshot":
                self._take_snapshot(event.snapshot)
            case "state_changed":
                self._change_state(event)
            case "progress":
                self._take_progress(event.progress)
            case "metric":
                self.curves.add(event.metric)
            case "leaderboard_entry":
                self.candidates[event.leaderboard_entry.model] = event.leaderboard_entry
            case "log_line" if self.is_shown(event.log_line):
                self._keep(event.log_line)

    def lose_connection(self) -> None:
        """Take in that the stream broke; the next event ends that."""
        if self.connected:
            self.connected = False
            self.on_lost()

    def _take_snapshot(self, snapshot: Job) -> None:
        self.job.CopyFrom(snapshot)
        self.percent = snapshot.progress
        self.phase = snapshot.message
        if snapshot.state == JOB_STATE_QUEUED:
            self._start_over()

    def _change_state(self, event: JobEvent) -> None:
        change = event.state_changed
        self.job.state, self.job.message = change.to_state, change.message
        self.job.attempt, self.job.model_id = event.attempt, change.model_id
        self.job.artifact_id = change.artifact_id
        self.job.stopped_early, self.phase = change.stopped_early, change.message
        if change.HasField("error"):
            self.job.error.CopyFrom(change.error)
        if self.lost_attempt:  # the message says which and why
            self._keep(LogLine(severity=LOG_SEVERITY_WARNING, text=change.message))
        if change.to_state == JOB_STATE_QUEUED:
            self.percent = 0.0
            self._start_over()
        if self.succeeded:
            self.percent = 100.0
        if self.finished:
            self._ends_at = None

    def _keep(self, line: LogLine) -> None:
        if line not in self.log:  # the next attempt says much of it again
            self.log.append(line)

    def _start_over(self) -> None:
        """Forget what an attempt did: the next one starts from nothing."""
        self._ends_at = None
        self.candidates.clear()

    def _take_progress(self, progress: Progress) -> None:
        self.percent, self.phase = progress.percent, progress.phase
        eta = progress.eta.ToTimedelta().total_seconds()
        self._ends_at = time.monotonic() + eta if progress.HasField("eta") else None
