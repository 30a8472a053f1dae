"""Writes a figure as PNG and as SVG; the same figure always gives the same bytes."""

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PLOTS_FOLDER = "plots"

# What matplotlib would note about itself and the time.
_SVG_NOTES = ("Date", "Creator", "Format", "Type")
_MEDIA_TYPES = {"png": "image/png", "svg": "image/svg+xml"}
_DOCTYPE = re.compile(r"<!DOCTYPE[^>]*>\s*")
# Random unless a setting of the whole process says otherwise.
_RANDOM_ID = re.compile(r'(?<=id=")[a-z]+[0-9a-f]{10}(?=")')


class PlotFile(TypedDict):
    """An omniscope.common.v1.Plot."""

    name: str
    media_type: str
    path: str
    size_bytes: int


def save_plot(package: Path, name: str, figure: "Figure") -> list[PlotFile]:
    """Write `plots/<name>.png` and `plots/<name>.svg` into a package and return both."""
    (package / PLOTS_FOLDER).mkdir(exist_ok=True)
    drawn = {"png": _png(figure), "svg": _svg(figure)}
    return [_write(package, name, kind, data) for kind, data in drawn.items()]


def _write(package: Path, name: str, kind: str, data: bytes) -> PlotFile:
    path = f"{PLOTS_FOLDER}/{name}.{kind}"
    (package / path).write_bytes(data)
    return {
        "name": name,
        "media_type": _MEDIA_TYPES[kind],
        "path": path,
        "size_bytes": len(data),
    }


def _png(figure: "Figure") -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    buffer = io.BytesIO()
    canvas = FigureCanvasAgg(figure)
    canvas.print_png(buffer, metadata={"Software": None})  # type: ignore[no-untyped-call]
    return buffer.getvalue()


def _svg(figure: "Figure") -> bytes:
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    figure.set_layout_engine("none")  # the parts have found their places for the other picture
    buffer = io.StringIO()
    canvas = FigureCanvasSVG(figure)
    canvas.print_svg(buffer, metadata=dict.fromkeys(_SVG_NOTES))  # type: ignore[no-untyped-call]
    # Viewers need no document type, and some would fetch it from the net.
    text = _DOCTYPE.sub("", buffer.getvalue(), count=1)
    for number, made in enumerate(dict.fromkeys(_RANDOM_ID.findall(text))):
        text = text.replace(made, f"part{number}")
    return text.encode()
