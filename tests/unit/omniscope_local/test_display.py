import io
from pathlib import Path

import pytest
from rich.console import Console

from omniscope_local import display
from omniscope_local.state import ProcessState
from omniscope_local.status import ProcessStatus
from omniscope_local.suite import Report

REPORTS = [
    Report("registry", "starting", "127.0.0.1:1"),
    Report("projector", "running"),
    Report("registry", "serving", "127.0.0.1:1", 1.25),
]


def written(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.fixture
def paper() -> Console:
    return Console(file=io.StringIO(), width=150, markup=False)


def test_on_paper_every_process_that_answers_is_a_line(paper: Console) -> None:
    with display.starting(paper) as report:
        for event in REPORTS:
            report(event)

    assert written(paper).splitlines() == [
        "projector running",
        "registry serving at 127.0.0.1:1 after 1.2 s",
    ]


def test_on_a_terminal_a_list_fills_up() -> None:
    terminal = Console(file=io.StringIO(), force_terminal=True, width=100, _environ={})

    with display.starting(terminal) as report:
        for event in REPORTS:
            report(event)

    assert "✓" in written(terminal)
    assert "serving" in written(terminal)


def test_a_running_suite_says_where_everything_is(paper: Console) -> None:
    processes = {
        "registry": ProcessState(pid=1, address="127.0.0.1:1", log=""),
        "gateway": ProcessState(pid=2, address="127.0.0.1:8080", log=""),
    }

    paper.print(display.running(Path("/home"), processes, "Ctrl-C stops it"))

    text = written(paper)
    assert text.index("http://127.0.0.1:8080") < text.index("registry")
    assert str(Path("/home") / "token") in text
    assert "Ctrl-C stops it" in text


def test_a_status_names_what_is_wrong(paper: Console) -> None:
    gone = ProcessStatus("registry", "gone", 17, "127.0.0.1:1", memory_bytes=0, restarts=2)

    paper.print(display.status_table([gone]))

    assert written(paper).splitlines()[-2].split() == [
        *("registry", "gone", "127.0.0.1:1", "17", "-", "2")
    ]
