"""Shows a job while it runs: live on a terminal, line by line elsewhere."""

from collections.abc import Iterable, Iterator

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from omniscope.common.v1.job_event_pb2 import (
    LOG_SEVERITY_WARNING,
    JobEvent,
    LeaderboardEntry,
)
from omniscope.common.v1.job_pb2 import JOB_STATE_UNSPECIFIED
from omniscope_client.render.amounts import duration, score, state
from omniscope_client.render.curves import charts, summary
from omniscope_client.render.progress import JobProgress
from omniscope_client.render.tables import failure, job_state, leaderboard

SHOWN_CANDIDATES = 12
SHOWN_LINES, FINAL_LINES = 3, 8
BAR_WIDTH = 24
LINE_EVERY_PERCENT = 10.0
LOST_CONNECTION = "connection lost, trying again"
STOPPED_EARLY = "A limit ended the training early: the same request may give another model."


def follow(
    events: Iterable[JobEvent], console: Console, progress: JobProgress | None = None
) -> JobProgress:
    """Show a job's events as they come and return where the job stands at their end.

    Args:
        events: The job's stream.
        console: Where to show it. A terminal gets a display that is redrawn, anything else lines
            that are worth keeping in a log.
        progress: What takes the events in; its `lose_connection` shows an outage. Default: new.
    """
    progress = progress or JobProgress()
    if console.is_terminal:
        _follow_live(events, console, progress)
    else:
        _follow_lines(events, console, progress)
    return progress


def _follow_live(events: Iterable[JobEvent], console: Console, progress: JobProgress) -> None:
    with Live(_View(progress), console=console, refresh_per_second=4) as live:
        for event in events:
            progress.add(event)
        live.refresh()


class _View:
    """Draws the progress anew at every refresh, so that clocks run between events as well."""

    def __init__(self, progress: JobProgress) -> None:
        self._progress = progress

    def __rich__(self) -> RenderableType:
        ranking = self._progress.ranking if self._progress.searches else []
        parts: list[RenderableType] = [_bar(self._progress), *_log(self._progress)]
        if ranking:
            parts.append(_best(ranking, self._progress.finished))
            parts.append(leaderboard(ranking[:SHOWN_CANDIDATES]))
        if len(ranking) > SHOWN_CANDIDATES:
            parts.append(Text(f"and {len(ranking) - SHOWN_CANDIDATES} more", style="dim"))
        if self._progress.curves.shown:
            parts.append(charts(self._progress.curves))
        return Group(*parts, *(Text(line, style="yellow") for line in _outcome(self._progress)))


def _bar(progress: JobProgress) -> Table:
    row = Table.grid(padding=(0, 1))
    row.add_row(
        _state(progress),
        ProgressBar(total=100, completed=progress.percent, width=BAR_WIDTH),
        f"{progress.percent:3.0f} %",
        Text(_now(progress), overflow="ellipsis", no_wrap=True),
        Text(_left(progress), style="dim", no_wrap=True),
    )
    return row


def _state(progress: JobProgress) -> Text:
    unknown = progress.job.state == JOB_STATE_UNSPECIFIED  # nothing has come yet
    return Text("connecting", "dim") if unknown else job_state(progress.job.state)


def _log(progress: JobProgress) -> Iterator[RenderableType]:
    """Yield the newest log lines, a few more of them once they stay on the screen."""
    shown = progress.log[-(FINAL_LINES if progress.finished else SHOWN_LINES) :]
    if len(shown) < len(progress.log):
        yield Text(f"  {len(progress.log) - len(shown)} earlier lines", "dim")
    for line in shown:
        style = "yellow" if line.severity >= LOG_SEVERITY_WARNING else "dim"
        yield Padding(Text(line.text.strip(), style), (0, 0, 0, 2))


def _now(progress: JobProgress) -> str:
    """Return what happens now, in the few words that fit beside a bar."""
    if not progress.connected:
        return LOST_CONNECTION
    if progress.finished:
        return ""  # the outcome has lines of its own
    return _lost(progress) or progress.phase


def _lost(progress: JobProgress) -> str:
    """Return that an attempt was lost while the job waits for the next; empty when none was."""
    attempt = progress.lost_attempt
    return f"attempt {attempt} was lost, attempt {attempt + 1} follows" if attempt else ""


def _left(progress: JobProgress) -> str:
    """Return the time left; empty when it is unknown or nearly over."""
    eta = progress.eta_seconds
    known = progress.connected and eta is not None and eta >= 1
    return f"about {duration(eta or 0)} left" if known else ""


def _best(ranking: list[LeaderboardEntry], final: bool) -> Text:
    best = ranking[0]
    return Text(
        f"best of {len(ranking)}{'' if final else ' so far'}: {best.model}, "
        f"validation {best.metric} {score(best.score_validation, best.metric)}"
    )


def _follow_lines(events: Iterable[JobEvent], console: Console, progress: JobProgress) -> None:
    shown, measured = -LINE_EVERY_PERCENT, ""
    progress.on_lost = lambda: console.print(LOST_CONNECTION, markup=False, highlight=False)
    for event in events:
        progress.add(event)
        if event.HasField("state_changed"):
            shown = -LINE_EVERY_PERCENT
            measured = summary(progress.curves)  # what a lost attempt measured is no news
        if event.HasField("progress") and progress.percent < shown + LINE_EVERY_PERCENT:
            continue
        if event.HasField("progress"):
            shown = progress.percent
        for line in _lines(event, progress):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        if event.HasField("progress") and measured != summary(progress.curves):
            measured = summary(progress.curves)
            console.print(f"       {measured}", markup=False, highlight=False, soft_wrap=True)
    if progress.candidates and progress.searches:
        console.print(leaderboard(progress.ranking))


def _lines(event: JobEvent, progress: JobProgress) -> Iterator[str]:
    """Yield what an event is worth on paper."""
    match event.WhichOneof("event"):
        case "state_changed":
            failed = progress.finished and progress.job.HasField("error")
            says = failure(progress.job) if failed else progress.phase
            lost = f"{_lost(progress)}: " if progress.lost_attempt else ""
            yield f"{state(progress.job.state)}: {lost}{says}"
            if progress.job.stopped_early:
                yield STOPPED_EARLY
        case "progress":
            parts = (part for part in (progress.phase, _left(progress)) if part)
            yield f"{progress.percent:3.0f} %  {', '.join(parts)}"
        case "checkpoint":
            yield f"checkpoint {event.checkpoint.name} stored"
        case "log_line" if progress.is_shown(event.log_line):
            yield f"       {event.log_line.text.strip()}"
        case "leaderboard_entry" if not event.leaderboard_entry.HasField("score_test"):
            yield _candidate(progress, event.leaderboard_entry.model)


def _candidate(progress: JobProgress, model: str) -> str:
    entry = progress.candidates[model]
    value = score(entry.score_validation, entry.metric)
    standing = f" ({_standing(progress, entry)})" if progress.searches else ""
    took = duration(entry.fit_seconds)
    return f"       {model}: validation {entry.metric} {value} after {took}{standing}"


def _standing(progress: JobProgress, entry: LeaderboardEntry) -> str:
    best = progress.ranking[0]
    value, best_value = (score(c.score_validation, c.metric) for c in (entry, best))
    if best.model == entry.model:
        return "best so far"
    return "as good as the best so far" if value == best_value else f"best is {best.model}"


def _outcome(progress: JobProgress) -> Iterator[str]:
    """Yield what a bar has no room for."""
    if progress.finished and progress.job.HasField("error"):
        yield failure(progress.job)
    elif progress.finished and not progress.succeeded:
        yield progress.phase
    if progress.job.stopped_early:
        yield STOPPED_EARLY
