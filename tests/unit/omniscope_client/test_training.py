import io
import re
from collections.abc import Iterator

import pytest
from google.protobuf.duration_pb2 import Duration
from rich.console import Console

from omniscope.common.v1.job_event_pb2 import (
    LOG_SEVERITY_DEBUG,
    LOG_SEVERITY_INFO,
    LOG_SEVERITY_WARNING,
    JobEvent,
    LeaderboardEntry,
    LogLine,
    LogSeverity,
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


def candidate(model: str, score: float, metric: str = "accuracy") -> JobEvent:
    entry = LeaderboardEntry(
        model=model, metric=metric, score_validation=score, fit_seconds=2.0, rank=1
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
    lost = (progressed(50, "training", eta=40), candidate("KNN", 0.5))
    for event in (*lost, changed(JOB_STATE_QUEUED, message="Again.")):
        progress.add(event)

    assert (progress.percent, progress.phase, progress.finished) == (0.0, "Again.", False)
    assert not progress.ranking
    assert progress.eta_seconds is None
    assert progress.lost_attempt == 1


def said(text: str, severity: LogSeverity.ValueType = LOG_SEVERITY_INFO) -> JobEvent:
    return JobEvent(log_line=LogLine(severity=severity, text=text))


NETWORK = JobEvent(snapshot=Job(job_id="J1", service="deeplearning", state=JOB_STATE_RUNNING))
OTHER = JobEvent(snapshot=Job(job_id="J1", service="elsewhere", state=JOB_STATE_RUNNING))
SEARCH = JobEvent(snapshot=Job(job_id="J1", service="automl", state=JOB_STATE_RUNNING))


@pytest.mark.parametrize(
    ("job", "kept"),
    [
        (NETWORK, ["weights", "careful"]),
        (OTHER, ["weights", "careful"]),
        (SEARCH, ["careful"]),
    ],
    ids=["network", "other", "search"],
)
def test_lines_that_only_inform_are_left_out_of_searches_alone(job, kept: list[str]) -> None:
    progress = JobProgress()
    lines = [said("weights"), said("careful", LOG_SEVERITY_WARNING), said("weights")]
    for event in (job, said("detail", LOG_SEVERITY_DEBUG), *lines):
        progress.add(event)

    assert [line.text for line in progress.log] == kept


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
        "A limit ended the training early: the same request may give another model.",
    ]
    assert "0.8750" in lines[-4]
    assert [line.split()[1] for line in lines[-4:-1]] == ["CatBoost", "LightGBM", "KNN"]


def test_a_failure_says_why() -> None:
    error = JobError(reason="TRAINING_FAILED", message="Out of luck.", field="quality")
    text = plain([snapshot(), changed(JOB_STATE_FAILED, message="Failed.", error=error)])

    assert "Out of luck. [TRAINING_FAILED, field quality]" in text


def drawn(events: list[JobEvent], console: Console) -> list[str]:
    follow(events, console)
    assert isinstance(console.file, io.StringIO)
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", console.file.getvalue())
    return text.splitlines()


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
    assert "A limit ended the training early" in last


def test_a_long_leaderboard_is_cut(terminal: Console) -> None:
    follow([candidate(f"Model{number}", number / 100) for number in range(20)], terminal)

    assert isinstance(terminal.file, io.StringIO)
    assert "and 8 more" in terminal.file.getvalue()


LOST = [
    changed(JOB_STATE_RUNNING, message="A worker has started."),
    progressed(50, "training KNN", eta=40),
    changed(JOB_STATE_QUEUED, message="Waiting for the next attempt."),
]


def test_a_lost_attempt_is_told_with_the_next_one(terminal: Console) -> None:
    told = "attempt 1 was lost, attempt 2 follows"

    assert plain(LOST).splitlines()[-1] == f"queued: {told}: Waiting for the next attempt."
    last = next(line for line in reversed(drawn(LOST, terminal)) if " % " in line)
    assert told in last
    assert "left" not in last


def test_an_outage_is_told_once_until_it_ends(terminal: Console) -> None:
    def broken(progress: JobProgress) -> Iterator[JobEvent]:
        yield progressed(20, "training KNN", eta=40)
        progress.lose_connection()
        progress.lose_connection()
        yield progressed(40, "training CatBoost")

    progress, console = JobProgress(), Console(file=io.StringIO(), width=200)
    follow(broken(progress), console, progress)

    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().splitlines() == [
        " 20 %  training KNN, about 40 s left",
        "connection lost, trying again",
        " 40 %  training CatBoost",
    ]


def test_a_bar_shows_an_outage_instead_of_what_is_no_longer_known(terminal: Console) -> None:
    def broken() -> Iterator[JobEvent]:
        yield progressed(20, "training KNN", eta=40)
        progress.lose_connection()

    progress = JobProgress()
    follow(broken(), terminal, progress)

    assert isinstance(terminal.file, io.StringIO)
    last = next(line for line in reversed(terminal.file.getvalue().splitlines()) if " % " in line)
    assert "connection lost, trying again" in last
    assert "left" not in last


def test_no_time_is_told_when_less_than_a_second_is_left() -> None:
    assert plain([progressed(99, "scoring", eta=0)]) == " 99 %  scoring\n"


def test_errors_are_shown_as_people_know_them() -> None:
    metric = "root_mean_squared_error"
    text = plain([candidate("KNN", -2.5, metric), candidate("CatBoost", -1.5, metric)])

    assert "KNN: validation root_mean_squared_error 2.500" in text
    assert text.index("CatBoost: ") < text.rindex("CatBoost") < text.rindex("KNN")
    assert "-1.5" not in text


def test_a_negative_score_stays_negative() -> None:
    assert "validation r2 -0.5000" in plain([candidate("KNN", -0.5, "r2")])


def test_among_equals_none_is_called_better() -> None:
    text = plain([candidate("LightGBM", 0.9), candidate("Ensemble", 0.9)])

    assert "best is" not in text
    assert "(as good as the best so far)" in text


def test_the_end_of_a_watch_fits_a_narrow_terminal(terminal: Console) -> None:
    terminal.width = 80
    lines = drawn(SUCCESS, terminal)

    bar = next(line for line in reversed(lines) if "succeeded" in line)
    assert "…" not in bar
    assert any(line.startswith("best of 3: CatBoost") for line in lines)


RESUMED = [
    NETWORK,
    said("training 10 weights on cpu"),
    changed(JOB_STATE_QUEUED, message="Attempt 1 ended (crash)."),
    changed(JOB_STATE_RUNNING, message="A worker has started."),
    said("training 10 weights on cpu"),
    said("Going on from step 40."),
    candidate("mlp", -0.25, "loss"),
    changed(JOB_STATE_SUCCEEDED, message="The model is registered."),
]


def test_on_paper_lines_of_a_network_stand_where_they_came() -> None:
    assert plain(RESUMED).splitlines() == [
        "       training 10 weights on cpu",
        "queued: attempt 1 was lost, attempt 2 follows: Attempt 1 ended (crash).",
        "running: A worker has started.",
        "       training 10 weights on cpu",
        "       Going on from step 40.",
        "       mlp: validation loss 0.2500 after 2.0 s",
        "succeeded: The model is registered.",
    ]


def test_on_a_terminal_lines_of_a_network_stay_at_the_end(terminal: Console) -> None:
    lines = drawn(RESUMED, terminal)
    (start,) = [place for place, line in enumerate(lines) if "100 %" in line][-1:]

    assert [line.strip() for line in lines[start + 1 :]] == [
        "training 10 weights on cpu",
        "Attempt 1 ended (crash).",
        "Going on from step 40.",
    ]


def test_while_a_job_runs_only_its_newest_lines_are_shown(terminal: Console) -> None:
    lines = drawn([NETWORK, *(said(f"line {number}") for number in range(9))], terminal)

    last = max(place for place, line in enumerate(lines) if "running" in line)
    assert [line.strip() for line in lines[last + 1 :]] == [
        "6 earlier lines", "line 6", "line 7", "line 8",
    ]  # fmt: skip


def test_a_job_that_has_not_answered_yet_is_being_connected(terminal: Console) -> None:
    (line,) = [line for line in drawn([], terminal) if " % " in line][-1:]

    assert "connecting" in line
