"""Errors of the machine learning library, told about the request's own fields."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from omniscope_ml.errors import DataError
from omniscope_service.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def refused_as(field: str, instead_of: str) -> Iterator[None]:
    """Turn a DataError of the block into an InvalidArgument that names the request's field.

    Args:
        field: Path of the message that the request has.
        instead_of: What the library calls it.

    Raises:
        InvalidArgument: With the reason of the DataError.
    """
    try:
        yield
    except DataError as error:
        path = field + error.field.removeprefix(instead_of)
        message = error.message.replace(f"{instead_of}.", f"{field}.")
        raise InvalidArgument(f"{message}.", reason=error.reason, field=path) from error
