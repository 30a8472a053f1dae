"""Structured logs: JSON lines on stderr, with known keys only and without secrets."""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

ALLOWED_KEYS = frozenset(
    {
        # What every line has.
        *("event", "level", "timestamp", "service", "logger", "exception"),
        # What happened to whom.
        *("request_id", "method", "code", "reason", "field", "duration_ms", "peer"),
        *("subject", "role", "job_id", "model_id", "dataset_id", "attempt", "worker_id"),
        *("resource_class", "state", "cause", "sequence", "worker_sequence", "projection_id"),
        # Numbers and names.
        *("count", "size_bytes", "seconds", "retry_in_seconds", "digest", "key", "url", "target"),
        *("path", "port", "pid", "signal", "exit_code", "subject_name", "stream", "consumer"),
        *("version", "versions", "task", "error", "error_type", "dropped_keys", "name", "phase"),
        *("slots", "trainer", "status", "stopped_early"),
    }
)
"""Keys that a log line may have. Others are dropped and named in `dropped_keys`, so that no
payload gets into a log by accident; add a key here once it is known to hold none."""

_PLAIN_KEYS = frozenset({"digest", "request_id", "timestamp", "level", "service"})
_SECRET = re.compile(
    r"(?i:bearer)\s+\S+"  # an authorization header
    r"|eyJ[\w-]+\.[\w-]+\.[\w-]*"  # a JSON web token
    r"|(?<=://)[^/\s@]+(?=@)"  # user and password in a URL
    r"|(?<![0-9A-Za-z/])(?:[0-9a-f]{64}|[0-9a-f]{32})(?![0-9A-Za-z/])"  # a token of the suite
)
_REDACTED = "[redacted]"


def configure_logging(service: str, level: str) -> None:
    """Send the logs of this process, also those of libraries, to stderr as JSON lines.

    Args:
        service: Name that every line carries.
        level: Least severity: debug, info, warning or error. Libraries log from warning on.
    """
    least = logging.getLevelNamesMapping()[level.upper()]
    enrich: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _Name(service),
    ]
    structlog.configure(
        processors=[*enrich, *_WRITE],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    _configure_libraries(enrich, max(least, logging.WARNING))


def allow_known_keys(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Drop every key that is not known to be harmless; name what was dropped."""
    unknown = sorted(event.keys() - ALLOWED_KEYS)
    for key in unknown:
        del event[key]
    if unknown:
        event["dropped_keys"] = unknown
    return event


def redact_secrets(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Replace what looks like a token or a password in every text of a line."""
    for key, value in event.items():
        if isinstance(value, str) and key not in _PLAIN_KEYS:
            event[key] = _SECRET.sub(_REDACTED, value)
    return event


class _Name:
    """Adds the service's name."""

    def __init__(self, service: str) -> None:
        self._service = service

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["service"] = self._service
        return event


_WRITE: list[Processor] = [
    allow_known_keys,
    redact_secrets,
    structlog.processors.JSONRenderer(),
]


def _configure_libraries(enrich: list[Processor], level: int) -> None:
    render = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_logger_name, *enrich],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_WRITE],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(render)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
