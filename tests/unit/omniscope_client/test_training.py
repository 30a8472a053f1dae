import io
import re

import pytest
from google.protobuf.duration_pb2 import Duration
from rich.console import Console

from omniscope.common.v1.job_event_pb2 import (
    LOG_SEVERITY_INFO,
    LOG_SEVERITY_WARNING,
    JobEvent,
    LeaderboardEntry,
    LogLine,
    Progress,
    StateChanged,
)
from omniscope.common.v1.job_pb2 import (
    JOB_STATE_FAILED,
    JOB_STATE_QUEUED,
    JOB_STATE_RUNNING,
    JOB_STATE_SUCCEEDED,
    Job,
    JobError,
    JobState,
)
from omniscope_client.render.progress import JobProgress
from omniscope_client.render.training import follow


def snapshot(state: JobState.ValueType = JOB_STATE_QUEUED, message: str = "") -> JobEvent:
    return JobEvent(snapshot=Job(job_id="J1", state=state, message=message, progress=5.0))


def changed(state: JobState.ValueType, **fields) -> JobEvent:
    return JobEvent(attempt=1, state_changed=StateChanged(to_state=state, **fields))


def progressed(percent: float, phase: str, eta: int | None = None) -> JobEvent:
    left = None if eta is None else Duration(seconds=eta)
    return JobEvent(progress=Progress(percent=percent, phase=phase, eta=left))


def candidate(model: str, score: float) -> JobEvent:
    entry = LeaderboardEntry(
        model=model, metric="accuracy", score_validation=score, fit_seconds=2.0, rank=1
    )
    return JobEvent(leaderboard_entry=entry)


SUCCESS = [
    snapshot(message="Place in line: 1."),
    changed(JOB_STATE_RUNNING, message="A worker took it."),
    progressed(20, "training LightGBM", eta=40),
    candidate("LightGBM", 0.9),
    progressed(22, "training CatBoost", eta=38),
    candidate("CatBoost", 0.95),
    candidate("KNN", 0.5),
    changed(JOB_STATE_SUCCEEDED, message="Done.", model_id="M1", stopped_early=True),
]


def test_a_job_is_what_its_snapshot_and_the_changes_after_it_say() -> None:
    progress = JobProgress()
    for event in SUCCESS:
        progress.add(event)

    assert progress.finished
    assert progress.succeeded
    assert (progress.percent, progress.phase) == (100.0, "Done.")
    assert (progress.job.job_id, progress.job.model_id) == ("J1", "M1")
    assert [entry.model for entry in progress.ranking] == ["CatBoost", "LightGBM", "KNN"]
    assert progress.eta_seconds is None


def test_an_attempt_that_was_lost_starts_over() -> None:
    progress = JobProgress()
    lost = (progressed(50, "training"), candidate("KNN", 0.5))
    for event in (*lost, changed(JOB_STATE_QUEUED, message="Again.")):
        progress.add(event)

    assert (progress.percent, progress.phase, progress.finished) == (0.0, "Again.", False)
    assert not progress.ranking


def test_only_log_lines_that_matter_are_kept() -> None:
    progress = JobProgress()
    for severity in (LOG_SEVERITY_INFO, LOG_SEVERITY_WARNING):
        progress.add(JobEvent(log_line=LogLine(severity=severity, text=str(severity))))

    assert progress.warnings == [str(LOG_SEVERITY_WARNING)]


def plain(events: list[JobEvent]) -> str:
    console = Console(file=io.StringIO(), width=200, markup=False)
    follow(events, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_without_a_terminal_every_line_is_worth_keeping() -> None:
    final = candidate("CatBoost", 0.95)
    final.leaderboard_entry.score_test = 0.875
    lines = plain([*SUCCESS[:-1], final, SUCCESS[-1]]).splitlines()

    assert lines[:7] == [
        "running: A worker took it.",
        " 20 %  training LightGBM, about 40 s left",
        "       LightGBM: validation accuracy 0.9000 after 2.0 s (best so far)",
        "       CatBoost: validation accuracy 0.9500 after 2.0 s (best so far)",
        "       KNN: validation accuracy 0.5000 after 2.0 s (best is CatBoost)",
        "succeeded: Done.",
        "A limit ended the search early: the same request may give another model.",
    ]
    assert "0.8750" in lines[-4]
    assert [line.split()[1] for line in lines[-4:-1]] == ["CatBoost", "LightGBM", "KNN"]


def test_a_failure_says_why() -> None:
    error = JobError(reason="TRAINING_FAILED", message="Out of luck.", field="quality")
    text = plain([snapshot(), changed(JOB_STATE_FAILED, message="Failed.", error=error)])

    assert "Out of luck. [TRAINING_FAILED, field quality]" in text


@pytest.fixture
def terminal() -> Console:
    return Console(
        file=io.StringIO(), force_terminal=True, width=120, height=40, markup=False, _environ={}
    )


def test_a_terminal_shows_bar_and_growing_leaderboard(terminal: Console) -> None:
    follow(SUCCESS, terminal)

    assert isinstance(terminal.file, io.StringIO)
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", terminal.file.getvalue())
    last = text[text.rindex("succeeded") :]
    assert "100 %" in last
    assert last.index("CatBoost") < last.index("LightGBM") < last.index("KNN")
    assert "validation accuracy" in last
    assert "A limit ended the search early" in last


def test_a_long_leaderboard_is_cut(terminal: Console) -> None:
    follow([candidate(f"Model{number}", number / 100) for number in range(20)], terminal)

    assert isinstance(terminal.file, io.StringIO)
    assert "and 8 more" in terminal.file.getvalue()
