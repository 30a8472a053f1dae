"""The display of `omniscope up` and `omniscope status`."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich import box
from rich.console import Console, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from omniscope_client.render.amounts import duration, size
from omniscope_local.state import ProcessState
from omniscope_local.status import ProcessStatus
from omniscope_local.suite import Report

EVENT_STYLES = {"serving": "green", "killed": "red", "restarted": "yellow"}
STATE_STYLES = {"serving": "green", "running": "green", "not answering": "yellow", "gone": "red"}


@contextmanager
def starting(console: Console) -> Iterator[Callable[[Report], None]]:
    """Show how processes start and yield what takes their reports.

    On a terminal it is a list that fills up, elsewhere a line per process that answers.
    """
    if not console.is_terminal:
        yield lambda report: _print_line(console, report)
        return
    reports: dict[str, Report] = {}
    with Live(_Starting(reports), console=console, refresh_per_second=12, transient=True):
        yield lambda report: reports.update({report.name: report})


class _Starting:
    """Draws the newest report of each process."""

    def __init__(self, reports: dict[str, Report]) -> None:
        self._reports = reports
        self._spinner = Spinner("dots")

    def __rich__(self) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        for report in list(self._reports.values()):
            mark = self._spinner if report.event == "starting" else Text("✓", style="green")
            took = duration(report.seconds) if report.seconds else ""
            table.add_row(mark, report.name, report.event, report.address, took)
        return table


def print_events(console: Console) -> Callable[[Report], None]:
    """Return what prints the reports of a suite that has started."""
    return lambda report: _print_line(console, report)


def running(home: Path, processes: dict[str, ProcessState], how_to_stop: str) -> Table:
    """Return where everything is, for somebody who wants to use it now: the gateway first."""
    table = Table.grid(padding=(0, 2))
    for name, process in sorted(processes.items(), key=lambda item: item[0] != "gateway"):
        url = f"http://{process.address}" if name == "gateway" else process.address
        table.add_row(Text(name, style="bold"), url, Text(process.description, style="dim"))
    table.add_row(Text("token", style="bold"), str(home / "token"), Text("of the user", "dim"))
    table.add_row(Text("logs", style="bold"), str(home / "logs"), Text(how_to_stop, style="dim"))
    return table


def status_table(processes: Sequence[ProcessStatus]) -> Table:
    """Return what runs where and how it is."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("process", "state", "address"):
        table.add_column(heading)
    for heading in ("pid", "memory", "restarts"):
        table.add_column(heading, justify="right")
    for process in processes:
        table.add_row(
            process.name,
            Text(process.state, style=STATE_STYLES[process.state]),
            process.address or "-",
            str(process.pid),
            size(process.memory_bytes) if process.memory_bytes else "-",
            str(process.restarts),
        )
    return table


def _print_line(console: Console, report: Report) -> None:
    if report.event in ("starting", "stopping"):
        return
    where = f" at {report.address}" if report.address else ""
    took = f" after {duration(report.seconds)}" if report.seconds else ""
    console.print(
        f"{report.name} {report.event}{where}{took}", style=EVENT_STYLES.get(report.event, "")
    )
