"""Names of NATS subjects and streams, so that no other module spells one.

A subject is built from identifiers that the server made, never from what a user typed: a name such
as `a.>` would be taken literally by the client and match nothing.
"""

import re

from omniscope_service.errors import InvalidArgument

JOBS_STREAM = "JOBS_V1"
EVENTS_STREAM = "EVENTS_V1"

_RUN_HINTS = "jobs.run."
ALL_RUN_HINTS = f"{_RUN_HINTS}*.*"
ALL_JOB_EVENTS = "evt.job.*.*"
ALL_MODEL_EVENTS = "evt.model.*.*"

# Crockford's base 32, as ULIDs are written; the first character stays below 8 in 128 bits.
_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_WORD = re.compile(r"[a-z][a-z0-9_-]{0,62}")


def run_hint(service: str, resource_class: str) -> str:
    """Subject on which workers of a service learn that work may be waiting.

    Raises:
        InvalidArgument: A part is not a lower-case word.
    """
    return f"{_RUN_HINTS}{_word('service', service)}.{_word('resource_class', resource_class)}"


def is_run_hint(subject: str) -> bool:
    """Tell whether `run_hint` made a subject: of its messages the newest says all."""
    return subject.startswith(_RUN_HINTS)


def control(job_id: str) -> str:
    """Subject on which the worker of a running job is asked for a heartbeat at once.

    Raises:
        InvalidArgument: `job_id` is not a ULID.
    """
    return f"ctl.job.{_ulid('job_id', job_id)}"


def job_event(job_id: str, kind: str) -> str:
    """Subject of one kind of a job's events; `kind` is the name of the event's oneof field.

    Raises:
        InvalidArgument: `job_id` is not a ULID or `kind` is not a lower-case word.
    """
    return f"evt.job.{_ulid('job_id', job_id)}.{_word('kind', kind)}"


def model_event(model_id: str, kind: str) -> str:
    """Subject of what happens to a model; `kind` is `registered`, `deleted` or another word.

    Raises:
        InvalidArgument: `model_id` is not a ULID or `kind` is not a lower-case word.
    """
    return f"evt.model.{_ulid('model_id', model_id)}.{_word('kind', kind)}"


def job_of(subject: str) -> str:
    """Return the job's id in a subject that `job_event` made."""
    return subject.split(".", 3)[2]


def consumer_name(service: str, resource_class: str) -> str:
    """Name of the durable consumer that all workers of one service and class share.

    Raises:
        InvalidArgument: A part is not a lower-case word.
    """
    return f"{_word('service', service)}-{_word('resource_class', resource_class)}"


def is_ulid(value: str) -> bool:
    """Tell whether a value is an identifier that the server could have made."""
    return _ULID.fullmatch(value) is not None


def _ulid(field: str, value: str) -> str:
    if not is_ulid(value):
        raise InvalidArgument(
            f"{field} {value[:64]!r} is not a ULID (26 characters of Crockford's base 32)",
            reason="ID_INVALID",
            field=field,
        )
    return value


def _word(field: str, value: str) -> str:
    if _WORD.fullmatch(value) is None:
        raise InvalidArgument(
            f"{field} {value[:64]!r} is not a word of 1 to 63 lower-case letters, digits, _ and -",
            reason="SUBJECT_INVALID",
            field=field,
        )
    return value
