"""Events that the registry stores, made from the frames that a child reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf.duration_pb2 import Duration

from omniscope.common.v1 import job_event_pb2
from omniscope.common.v1.job_event_pb2 import JobEvent

if TYPE_CHECKING:
    from omniscope_service.jobs.frames import Frame

_SEVERITIES = {
    "debug": job_event_pb2.LOG_SEVERITY_DEBUG,
    "info": job_event_pb2.LOG_SEVERITY_INFO,
    "warning": job_event_pb2.LOG_SEVERITY_WARNING,
    "error": job_event_pb2.LOG_SEVERITY_ERROR,
}


def event_from_frame(frame: Frame) -> JobEvent | None:
    """Return the event that a frame reports, or None for a frame of another kind."""
    fields: dict[str, Any] = {key: value for key, value in frame.items() if key != "type"}
    match frame["type"]:
        case "progress":
            return JobEvent(progress=_progress(**fields))
        case "metric":
            return JobEvent(metric=job_event_pb2.MetricPoint(**fields))
        case "leaderboard_entry":
            return JobEvent(leaderboard_entry=job_event_pb2.LeaderboardEntry(**fields))
        case "log_line":
            return JobEvent(log_line=log_line(**fields))
        case _:
            return None


def log_line(text: str, severity: str) -> job_event_pb2.LogLine:
    """Return a line for whoever watches the job."""
    return job_event_pb2.LogLine(text=text, severity=_SEVERITIES[severity])


def _progress(eta_seconds: float | None, **fields: Any) -> job_event_pb2.Progress:
    eta = None
    if eta_seconds is not None:
        eta = Duration()
        eta.FromNanoseconds(round(eta_seconds * 1e9))
    return job_event_pb2.Progress(eta=eta, **fields)
