"""Shows a job while it runs: live on a terminal, line by line elsewhere."""

from collections.abc import Iterable, Iterator

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from omniscope.common.v1.job_event_pb2 import JobEvent, LeaderboardEntry
from omniscope_client.render.amounts import duration, number, state
from omniscope_client.render.progress import JobProgress
from omniscope_client.render.tables import failure, job_state, leaderboard

SHOWN_CANDIDATES = 12
BAR_WIDTH = 32
LINE_EVERY_PERCENT = 10.0
STOPPED_EARLY = "A limit ended the search early: the same request may give another model."


def follow(events: Iterable[JobEvent], console: Console) -> JobProgress:
    """Show a job's events as they come and return where the job stands at their end.

    Args:
        events: The job's stream.
        console: Where to show it. A terminal gets a display that is redrawn, anything else lines
            that are worth keeping in a log.
    """
    return _follow_live(events, console) if console.is_terminal else _follow_lines(events, console)


def _follow_live(events: Iterable[JobEvent], console: Console) -> JobProgress:
    progress = JobProgress()
    with Live(_View(progress), console=console, refresh_per_second=4) as live:
        for event in events:
            progress.add(event)
        live.refresh()
    return progress


class _View:
    """Draws the progress anew at every refresh, so that clocks run between events as well."""

    def __init__(self, progress: JobProgress) -> None:
        self._progress = progress

    def __rich__(self) -> RenderableType:
        ranking = self._progress.ranking
        parts: list[RenderableType] = [_bar(self._progress)]
        if ranking:
            parts.append(_best(ranking))
            parts.append(leaderboard(ranking[:SHOWN_CANDIDATES]))
        if len(ranking) > SHOWN_CANDIDATES:
            parts.append(Text(f"and {len(ranking) - SHOWN_CANDIDATES} more", style="dim"))
        return Group(*parts, *(Text(line, style="yellow") for line in _outcome(self._progress)))


def _bar(progress: JobProgress) -> Table:
    row = Table.grid(padding=(0, 1))
    eta = progress.eta_seconds
    row.add_row(
        job_state(progress.job.state),
        ProgressBar(total=100, completed=progress.percent, width=BAR_WIDTH),
        f"{progress.percent:3.0f} %",
        Text(progress.phase, overflow="ellipsis", no_wrap=True),
        Text(f"about {duration(eta)} left" if eta is not None else "", style="dim"),
    )
    return row


def _best(ranking: list[LeaderboardEntry]) -> Text:
    best = ranking[0]
    return Text(
        f"best of {len(ranking)} so far: {best.model}, "
        f"validation {best.metric} {number(best.score_validation)}"
    )


def _follow_lines(events: Iterable[JobEvent], console: Console) -> JobProgress:
    progress, shown = JobProgress(), -LINE_EVERY_PERCENT
    for event in events:
        progress.add(event)
        if event.HasField("progress") and progress.percent < shown + LINE_EVERY_PERCENT:
            continue
        if event.HasField("progress"):
            shown = progress.percent
        for line in _lines(event, progress):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
    if progress.candidates:
        console.print(leaderboard(progress.ranking))
    return progress


def _lines(event: JobEvent, progress: JobProgress) -> Iterator[str]:
    """Yield what an event is worth on paper."""
    match event.WhichOneof("event"):
        case "state_changed":
            failed = progress.finished and progress.job.HasField("error")
            says = failure(progress.job) if failed else progress.phase
            yield f"{state(progress.job.state)}: {says}"
            if progress.job.stopped_early:
                yield STOPPED_EARLY
        case "progress":
            eta = progress.eta_seconds
            left = f", about {duration(eta)} left" if eta is not None else ""
            yield f"{progress.percent:3.0f} %  {progress.phase}{left}"
        case "leaderboard_entry" if not event.leaderboard_entry.HasField("score_test"):
            yield _candidate(progress, event.leaderboard_entry.model)


def _candidate(progress: JobProgress, model: str) -> str:
    entry, best = progress.candidates[model], progress.ranking[0]
    standing = "best so far" if best.model == model else f"best is {best.model}"
    return (
        f"       {model}: validation {entry.metric} {number(entry.score_validation)}"
        f" after {duration(entry.fit_seconds)} ({standing})"
    )


def _outcome(progress: JobProgress) -> Iterator[str]:
    """Yield what a bar has no room for."""
    if progress.finished and progress.job.HasField("error"):
        yield failure(progress.job)
    if progress.job.stopped_early:
        yield STOPPED_EARLY
