"""Reads lists page by page."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias, TypeVar

PAGE_SIZE = 1000

RowT = TypeVar("RowT")
Page: TypeAlias = tuple[Sequence[RowT], str]
"""The rows of a page, and the token of the next one; it is empty on the last."""


def rows_of(pages: Callable[[int, str], Page[RowT]], limit: int) -> Iterator[RowT]:
    """Yield rows, at most `limit`; a page may have fewer than were asked for and not be the last.

    Args:
        pages: Returns the page of a size for a token, which is empty for the first one.
        limit: How many rows at most.
    """
    token = ""
    while limit > 0:
        rows, token = pages(min(PAGE_SIZE, limit), token)
        yield from rows
        limit -= len(rows)
        if not token:
            return
