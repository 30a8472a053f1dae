"""Refusals of values that are outside of what is allowed, all worded alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from omniscope_service.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

FIELD_INVALID: Final = "FIELD_INVALID"
_SHOWN_CHARACTERS: Final = 128


def require_known(value: object, allowed: Collection[object], field: str, reason: str) -> None:
    """Refuse a value that is none of those allowed.

    Raises:
        InvalidArgument: With the reason given.
    """
    if value not in allowed:
        raise InvalidArgument(
            f"{field} {shown(value)} is not known; allowed are {', '.join(_words(allowed))}.",
            reason=reason,
            field=field,
        )


def require_in(value: int, allowed: tuple[int, int], field: str, reason: str) -> None:
    """Refuse a whole number outside of a range.

    Raises:
        InvalidArgument: With the reason given.
    """
    low, high = allowed
    if not low <= value <= high:
        raise InvalidArgument(
            f"{field} is {value}; it must be from {low} to {high}.", reason=reason, field=field
        )


def require_share(value: float, allowed: tuple[float, float], field: str, reason: str) -> None:
    """Refuse a share outside of a range, NaN too.

    Raises:
        InvalidArgument: With the reason given.
    """
    low, high = allowed
    if not low <= value <= high:
        raise InvalidArgument(
            f"{field} is {value:g}; it must be from {low} to {high}.", reason=reason, field=field
        )


def shown(value: object) -> str:
    """Return a value as messages quote it, long ones cut."""
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:64]}..."


def _words(allowed: Iterable[object]) -> Iterable[str]:
    return (str(word) for word in allowed)
