"""Losses and metrics by epoch: what is kept of them, and small charts of braille dots."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from rich.columns import Columns
from rich.table import Table
from rich.text import Text

from omniscope.common.v1.job_event_pb2 import MetricPoint
from omniscope_client.render.amounts import number

TRAIN, VALIDATION = "train", "validation"
STYLES = {TRAIN: "cyan", VALIDATION: "magenta"}
CHART_WIDTH, CHART_HEIGHT = 30, 6
# Dots of a braille character by row and column, as bits of its code point.
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_BLANK = 0x2800

Values = dict[int, float]


@dataclass
class Curves:
    """The values of each metric by epoch.

    Attributes:
        values: By name of the metric and part of the rows, then by epoch, from 0.
    """

    values: dict[str, dict[str, Values]] = field(default_factory=dict)

    def add(self, point: MetricPoint) -> None:
        """Take a value in; what an earlier attempt said of later epochs is forgotten."""
        known = self.values.setdefault(point.name, {}).setdefault(point.split, {})
        for epoch in [epoch for epoch in known if epoch > point.epoch]:
            del known[epoch]
        known[point.epoch] = point.value

    @property
    def shown(self) -> dict[str, dict[str, Values]]:
        """Metrics of two epochs or more on validation rows: the loss, then others as they came."""
        named = {
            name: parts
            for name, parts in self.values.items()
            if len(parts.get(VALIDATION, ())) > 1
        }
        return dict(sorted(named.items(), key=lambda item: item[0] != "loss"))


def charts(curves: Curves) -> Columns:
    """Return a chart for each metric, side by side where there is room."""
    drawn = (_chart(name, parts) for name, parts in curves.shown.items())
    return Columns(drawn, padding=(0, 3))


def summary(curves: Curves) -> str:
    """Return the newest epoch's values on one line; empty before the second epoch."""
    shown = curves.shown
    if not shown:
        return ""
    newest = max(max(parts[VALIDATION]) for parts in shown.values())
    return f"epoch {newest + 1}: " + "; ".join(
        f"{name} " + ", ".join(_newest_values(parts)) for name, parts in shown.items()
    )


def _newest_values(parts: dict[str, Values]) -> Iterator[str]:
    for part in (TRAIN, VALIDATION):
        if values := parts.get(part):
            yield f"{number(values[max(values)])} {part}"


def _chart(name: str, parts: dict[str, Values]) -> Table:
    series = {part: values for part, values in parts.items() if part in STYLES}
    known = [value for values in series.values() for value in values.values()]
    low, high = min(known), max(known)
    lines = draw(series, low, high)
    table = Table.grid(padding=(0, 1))
    table.add_row("", _heading(name, parts))
    for place, line in enumerate(lines):
        edge = number(high) if place == 0 else number(low) if place == len(lines) - 1 else ""
        table.add_row(Text(edge, "dim", justify="right"), line)
    table.add_row("", Text(f"epoch {max(parts[VALIDATION]) + 1}", "dim"))
    return table


def draw(series: dict[str, Values], low: float, high: float) -> list[Text]:
    """Return the lines of a chart, the highest values first.

    Args:
        series: Values by epoch, by the part of the rows; later parts lie above earlier ones.
        low: Value at the lowest dot.
        high: Value at the highest dot.
    """
    codes = [[_BLANK] * CHART_WIDTH for _ in range(CHART_HEIGHT)]
    styles = [[""] * CHART_WIDTH for _ in range(CHART_HEIGHT)]
    last = max(max(values) for values in series.values())
    for part, values in series.items():
        for x, y in _dots(values, last, low, high):
            codes[y // 4][x // 2] |= _DOTS[y % 4][x % 2]
            styles[y // 4][x // 2] = STYLES[part]
    return [
        Text.assemble(*((chr(code), style) for code, style in zip(*row, strict=True)))
        for row in zip(codes, styles, strict=True)
    ]


def _dots(values: Values, last: int, low: float, high: float) -> Iterator[tuple[int, int]]:
    """Yield the dots of a line: all between the points, so that steep ones are not torn."""
    width, height = 2 * CHART_WIDTH - 1, 4 * CHART_HEIGHT - 1
    points = [
        (
            round(width * epoch / max(last, 1)),
            round(height * (high - value) / (high - low)) if high > low else height // 2,
        )
        for epoch, value in sorted(values.items())
    ]
    yield points[0]
    for (x0, y0), (x1, y1) in pairwise(points):
        steps = max(abs(x1 - x0), abs(y1 - y0), 1)
        for step in range(1, steps + 1):
            yield round(x0 + (x1 - x0) * step / steps), round(y0 + (y1 - y0) * step / steps)


def _heading(name: str, parts: dict[str, Values]) -> Text:
    heading = Text(name, "bold")
    for part in (TRAIN, VALIDATION):
        if values := parts.get(part):
            heading.append(f"  {part} {number(values[max(values)])}", STYLES[part])
    return heading
