"""Checks of single fields of requests: an error names the field, its value and what is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from omniscope_service.errors import InvalidArgument
from omniscope_service.names import is_id

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping

MAX_TAG_LENGTH: Final = 256
_MAX_TAGS = 64
_MAX_DESCRIPTION = 10_000


def check_id(field: str, value: str) -> None:
    """Refuse what is no ULID; reason FIELD_INVALID."""
    check(field, value, is_id(value), "a ULID")


def check_description(description: str, field: str = "description") -> None:
    """Refuse a free text that is too long; reason FIELD_INVALID."""
    check_text(field, description, _MAX_DESCRIPTION)


def check_tags(tags: Mapping[str, str], field: str = "tags") -> None:
    """Refuse tags that are too many or too long; reason FIELD_INVALID."""
    check(field, f"{len(tags)} tags", len(tags) <= _MAX_TAGS, f"at most {_MAX_TAGS} tags")
    for key, value in tags.items():
        check_text(field, key, MAX_TAG_LENGTH)
        check_text(field, value, MAX_TAG_LENGTH)


def check_word(field: str, value: str, form: re.Pattern[str]) -> None:
    """Refuse what is not of a form; reason FIELD_INVALID."""
    check(field, value, form.fullmatch(value) is not None, f"of the form {form.pattern}")


def check_text(field: str, value: str, longest: int) -> None:
    """Refuse a text that is too long or that a database cannot hold; reason FIELD_INVALID."""
    check(field, f"{len(value)} characters", len(value) <= longest, f"at most {longest}")
    # PostgreSQL cannot store it.
    check(field, "text with a zero byte", "\0" not in value, "text without one")


def check(field: str, value: object, allowed: bool, expected: str) -> None:
    """Refuse a value unless it is allowed; reason FIELD_INVALID, naming what is expected."""
    if not allowed:
        shown = str(value)[:100]
        raise InvalidArgument(
            f"{field} is {shown!r}: it has to be {expected}", reason="FIELD_INVALID", field=field
        )
