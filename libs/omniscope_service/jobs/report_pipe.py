"""The child's end of reporting: `Report` that writes frames to a pipe. Standard library only."""

import math
import re
import threading
from collections.abc import Mapping
from pathlib import Path

from omniscope_service.jobs.checkpoints.writer import CheckpointWriter
from omniscope_service.jobs.frames import send_frame
from omniscope_service.jobs.report import Severity

MAX_TEXT = 2000
"""Characters that a log line may have."""
MAX_MESSAGE = 1800
"""Characters that the message of a failure may have."""
MAX_FIELD = 500
"""Characters that the path of a field may have."""
# The registry refuses events with longer ones.
_MAX_PHASE = 500
_MAX_NAME = 256
_MAX_SPLIT = 32

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


def clean(text: str, longest: int = MAX_TEXT) -> str:
    """Return text on one line, without control characters, at most `longest` characters long."""
    plain = _ESCAPES.sub("", text[: 4 * longest])
    line = "".join(c if c.isprintable() else " " for c in plain).rstrip()
    return line if len(line) <= longest else line[: longest - 1] + "…"


class PipeReport:
    """`Report` over a pipe; may be called from any thread of the child, `checkpoint` from one.

    Args:
        descriptor: Where frames are written; a call waits while the worker does not read.
        checkpoints: Writes checkpoints where the worker finds them.
    """

    def __init__(self, descriptor: int, checkpoints: CheckpointWriter) -> None:
        self._descriptor = descriptor
        self._checkpoints = checkpoints
        self._lock = threading.Lock()
        self._percent = 0.0

    def progress(
        self,
        percent: float,
        phase: str,
        completed: int = 0,
        total: int = 0,
        eta_seconds: float | None = None,
    ) -> None:
        """Say how far the work is."""
        self._percent = max(self._percent, min(float(percent), 100.0))
        self._send(
            "progress",
            percent=self._percent,
            phase=clean(phase, _MAX_PHASE),
            completed=int(completed),
            total=int(total),
            eta_seconds=_finite(None if eta_seconds is None else max(0.0, eta_seconds)),
        )

    def metric(self, name: str, value: float, *, step: int, split: str, epoch: int = 0) -> None:
        """Report a measured value."""
        if _finite(value) is not None:
            self._send(
                "metric",
                name=clean(name, _MAX_NAME),
                value=float(value),
                step=int(step),
                epoch=int(epoch),
                split=clean(split, _MAX_SPLIT),
            )

    def leaderboard(
        self,
        *,
        model: str,
        metric: str,
        score_validation: float,
        score_test: float | None = None,
        fit_seconds: float,
        prediction_seconds: float,
        stack_level: int = 1,
        rank: int,
    ) -> None:
        """Report a trained candidate."""
        if _finite(score_validation) is not None:
            self._send(
                "leaderboard_entry",
                model=clean(model, _MAX_NAME),
                metric=clean(metric, _MAX_NAME),
                score_validation=float(score_validation),
                score_test=_finite(score_test),
                fit_seconds=_finite(fit_seconds),
                prediction_seconds=_finite(prediction_seconds),
                stack_level=int(stack_level),
                rank=int(rank),
            )

    def log(self, text: str, severity: Severity = "info") -> None:
        """Show a line to whoever watches the job."""
        self._send("log_line", text=clean(text), severity=severity)

    def checkpoint(self, files: Mapping[str, Path], *, step: int) -> None:
        """Store a state that another attempt resumes from should this one be lost."""
        try:
            manifest = self._checkpoints.write(files, step)
        except OSError as error:
            self.log(f"A checkpoint could not be written: {error.strerror}.", "warning")
        else:
            self._send("checkpoint", name=manifest.name)

    def _send(self, kind: str, **fields: object) -> None:
        with self._lock:
            send_frame(self._descriptor, {"type": kind, **fields})


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
