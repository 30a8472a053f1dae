"""Errors of the machine learning library, with the fields that a request has."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from omniscope_ml.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def renamed_field(field: str, instead_of: str) -> Iterator[None]:
    """Name the request's field in a DataError of the block, in its path and in its message.

    Args:
        field: Path of the message that the request has.
        instead_of: What the library calls it; errors about other fields stay as they are.

    Raises:
        DataError: With the same reason.
    """
    try:
        yield
    except DataError as error:
        inner = error.field.removeprefix(f"{instead_of}.")
        if inner == error.field:
            raise
        message = error.message.replace(f"{instead_of}.", f"{field}.")
        raise DataError(message, reason=error.reason, field=f"{field}.{inner}") from error
