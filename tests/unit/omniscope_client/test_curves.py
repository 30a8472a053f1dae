"""Losses and metrics by epoch, on a terminal and on paper."""

import io

from rich.console import Console

from omniscope.common.v1.job_event_pb2 import JobEvent, MetricPoint, Progress, StateChanged
from omniscope.common.v1.job_pb2 import (
    JOB_STATE_QUEUED,
    JOB_STATE_RUNNING,
    JOB_STATE_SUCCEEDED,
    Job,
)
from omniscope_client.render.curves import CHART_HEIGHT, CHART_WIDTH, Curves, draw
from omniscope_client.render.training import follow


def measured(epoch: int, name: str, split: str, value: float) -> JobEvent:
    return JobEvent(metric=MetricPoint(name=name, split=split, value=value, epoch=epoch))


def epochs(count: int) -> list[JobEvent]:
    return [
        measured(epoch, name, split, value)
        for epoch in range(count)
        for name, split, value in (
            ("loss", "train", 1 / (1 + epoch)),
            ("accuracy", "train", epoch / count),
            ("loss", "validation", 1.5 / (1 + epoch)),
            ("accuracy", "validation", epoch / (2 * count)),
            ("learning_rate", "train", 0.001),
        )
    ]


def curves_of(events: list[JobEvent]) -> Curves:
    curves = Curves()
    for event in events:
        curves.add(event.metric)
    return curves


def training(count: int) -> list[JobEvent]:
    return [
        JobEvent(snapshot=Job(job_id="J1", state=JOB_STATE_RUNNING)),
        *epochs(count),
        JobEvent(progress=Progress(percent=50, phase=f"epoch {count}")),
        JobEvent(attempt=1, state_changed=StateChanged(to_state=JOB_STATE_SUCCEEDED)),
    ]


def printed(events: list[JobEvent], *, terminal: bool) -> str:
    console = Console(
        file=io.StringIO(), width=120, height=40, markup=False, force_terminal=terminal
    )
    follow(events, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_metrics_of_validation_rows_are_shown_the_loss_first() -> None:
    curves = curves_of([measured(0, "accuracy", "validation", 0.5), *epochs(3)])

    assert list(curves.shown) == ["loss", "accuracy"]
    assert curves.shown["loss"]["train"] == {0: 1.0, 1: 0.5, 2: 1 / 3}


def test_values_that_have_no_epochs_are_no_curve() -> None:
    search = [measured(0, "accuracy", "validation", value) for value in (0.5, 0.6)]

    assert not curves_of(search).shown


def test_an_attempt_that_goes_back_forgets_the_epochs_after_it() -> None:
    curves = curves_of([*epochs(5), measured(2, "loss", "validation", 0.4)])

    assert sorted(curves.shown["loss"]["validation"]) == [0, 1, 2]
    assert curves.shown["loss"]["validation"][2] == 0.4


def test_a_falling_line_goes_from_the_upper_left_to_the_lower_right() -> None:
    lines = draw({"train": {epoch: 10.0 - epoch for epoch in range(11)}}, 0.0, 10.0)

    plain = [line.plain for line in lines]
    assert [len(line) for line in plain] == [CHART_WIDTH] * CHART_HEIGHT
    assert plain[0][0] != "\u2800"
    assert plain[0][-1] == "\u2800"
    assert plain[-1][-1] != "\u2800"
    assert not any(line.strip("\u2800") == "" for line in plain)


def test_a_constant_metric_is_a_line() -> None:
    lines = draw({"validation": dict.fromkeys(range(4), 1.0)}, 1.0, 1.0)

    assert sum(line.plain.strip("\u2800") != "" for line in lines) == 1


def test_on_a_terminal_curves_are_drawn() -> None:
    text = printed(training(20), terminal=True)

    assert "loss" in text
    assert "validation 0.0750" in text
    assert "epoch 20" in text
    assert any("\u2800" < character <= "\u28ff" for character in text)


def test_without_a_terminal_the_newest_epoch_is_a_line() -> None:
    lines = printed(training(4), terminal=False).splitlines()

    assert lines[0] == " 50 %  epoch 4"
    assert lines[1].strip() == (
        "epoch 4: loss 0.2500 train, 0.3750 validation; accuracy 0.7500 train, 0.3750 validation"
    )


def test_without_a_terminal_what_a_lost_attempt_measured_is_not_told_of_the_next() -> None:
    queued = JobEvent(attempt=1, state_changed=StateChanged(to_state=JOB_STATE_QUEUED))
    reading = JobEvent(progress=Progress(percent=0, phase="reading the dataset"))

    assert "epoch 4: " not in printed([*epochs(4), queued, reading], terminal=False)
    assert "epoch 4: " in printed([*epochs(4), reading], terminal=False)


def test_without_a_terminal_an_epoch_is_told_once() -> None:
    again = JobEvent(progress=Progress(percent=0, phase="reading the dataset"))
    queued = JobEvent(attempt=1, state_changed=StateChanged(to_state=JOB_STATE_QUEUED))
    later = JobEvent(progress=Progress(percent=40, phase="epoch 3"))
    text = printed([*training(4)[:-1], queued, again, *epochs(2), later], terminal=False)

    assert text.count("epoch 4: ") == 1
    assert text.count("epoch 2: ") == 1
