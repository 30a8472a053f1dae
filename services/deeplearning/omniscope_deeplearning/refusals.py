"""Errors of the machine learning library as refusals of a request."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from omniscope_deeplearning.request_fields import renamed_field
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
        with renamed_field(field, instead_of):
            yield
    except DataError as error:
        raise InvalidArgument(
            f"{error.message}.", reason=error.reason, field=error.field
        ) from error
