"""The forms of names and ids, which tell a name from an id."""

from __future__ import annotations

import re
from typing import Final
from uuid import UUID

from omniscope.registry.v1 import (
    dataset_service_pb2,
    experiment_service_pb2,
    job_service_pb2,
    model_service_pb2,
)
from omniscope_service.errors import InvalidArgument
from omniscope_service.rest_paths import words_beside_names

MAX_NAME_LENGTH: Final = 128

RESERVED: Final = words_beside_names(
    service
    for file in (
        dataset_service_pb2,
        experiment_service_pb2,
        job_service_pb2,
        model_service_pb2,
    )
    for service in file.DESCRIPTOR.services_by_name.values()
)
"""Words that nothing can be named, or its REST path would be another's."""

_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", re.IGNORECASE)
_UUID = re.compile(r"[0-9A-Fa-f]{8}(-?[0-9A-Fa-f]{4}){3}-?[0-9A-Fa-f]{12}")
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")


def is_id(text: str) -> bool:
    """Tell whether a text is shaped like an id that the server makes, a ULID."""
    return _ULID.fullmatch(text) is not None


def is_name(text: str) -> bool:
    """Tell whether a text has the form of a name."""
    return not _problem(text)


def check_name(name: str, *, field: str) -> str:
    """Return a name that is fit for a dataset, a model or an experiment.

    A name that looks like an id is refused, because an id or a name is accepted in the same place;
    so is one that another REST path has in that place.

    Raises:
        InvalidArgument: It is not, reason NAME_INVALID; the message says what is wrong and what is
            allowed.
    """
    problem = "is a word of REST paths" if name in RESERVED else _problem(name)
    if problem:
        raise InvalidArgument(
            f"{field} {_shown(name)} {problem}; a name has 1 to {MAX_NAME_LENGTH} letters, "
            "digits, '_', '-' and '.', begins with no '.', is not shaped like an id (a ULID) and "
            f"none of {', '.join(sorted(RESERVED))}.",
            reason="NAME_INVALID",
            field=field,
        )
    return name


def check_uuid(text: str, *, field: str) -> str:
    """Return a UUID that a client made, in its canonical form: one id has several spellings.

    Raises:
        InvalidArgument: It is none; reason FIELD_INVALID.
    """
    if _UUID.fullmatch(text) is None:
        raise InvalidArgument(
            f"{field} {text[:64]!r} is not a UUID, such as 123e4567-e89b-42d3-a456-426614174000.",
            reason="FIELD_INVALID",
            field=field,
        )
    return str(UUID(text))


def _problem(name: str) -> str:
    if not name:
        return "is empty"
    if len(name) > MAX_NAME_LENGTH:
        return f"has {len(name)} characters"
    if not _NAME.fullmatch(name):
        return "has a character that is not allowed"
    return "is shaped like an id" if is_id(name) else ""


def _shown(name: str) -> str:
    return repr(name if len(name) <= MAX_NAME_LENGTH else f"{name[:32]}...")
