"""What names and ids may look like, and how a name is told from an id."""

from __future__ import annotations

import re
from typing import Final
from uuid import UUID

from omniscope_service.errors import InvalidArgument

MAX_NAME_LENGTH: Final = 128

_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", re.IGNORECASE)
_UUID = re.compile(r"[0-9A-Fa-f]{8}(-?[0-9A-Fa-f]{4}){3}-?[0-9A-Fa-f]{12}")
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")


def is_id(text: str) -> bool:
    """Tell whether a text is shaped like an id that the server makes, a ULID."""
    return _ULID.fullmatch(text) is not None


def is_name(text: str) -> bool:
    """Tell whether a text can be the name of a dataset or a model."""
    return not _problem(text)


def check_name(name: str, *, field: str, reason: str) -> str:
    """Return a name that is fit for a dataset or a model.

    A name that looks like an id is refused, because an id or a name is accepted in the same place.

    Raises:
        InvalidArgument: It is not; the message says what is wrong and what is allowed.
    """
    problem = _problem(name)
    if problem:
        raise InvalidArgument(
            f"{field} {_shown(name)} {problem}; a name has 1 to {MAX_NAME_LENGTH} letters, "
            "digits, '_', '-' and '.', begins with no '.', and is not shaped like an id (a ULID).",
            reason=reason,
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
            f"{field} {text[:64]!r} is no UUID, such as 123e4567-e89b-42d3-a456-426614174000.",
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
