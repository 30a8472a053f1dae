"""How lists are read that come in pages, full ones or not."""

from itertools import count

import pytest

from omniscope_client.paging import Page, rows_of


@pytest.mark.parametrize(("limit", "sizes"), [(250, [250, 150, 50]), (100, [100]), (0, [])])
def test_pages_that_are_shorter_than_asked_for_are_followed_by_others(
    limit: int, sizes: list[int]
) -> None:
    numbers, asked = count(), []

    def page(size: int, token: str) -> Page[int]:
        asked.append((size, token))
        return [next(numbers) for _ in range(min(size, 100))], "next"

    assert list(rows_of(page, limit)) == list(range(limit))
    assert asked == list(zip(sizes, ["", "next", "next"], strict=False))


def test_a_page_without_a_token_is_the_last() -> None:
    assert list(rows_of(lambda _size, _token: (["one"], ""), 5000)) == ["one"]
