"""Cuts a limit into pages."""

from collections.abc import Iterator

PAGE_SIZE = 1000


def page_sizes(limit: int) -> Iterator[int]:
    """Yield the sizes of the pages that make up `limit` rows.

    >>> list(page_sizes(2300))
    [1000, 1000, 300]
    """
    for start in range(0, limit, PAGE_SIZE):
        yield min(PAGE_SIZE, limit - start)
