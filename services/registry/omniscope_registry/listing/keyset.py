"""Fetches one page of rows by key: the one query that every List RPC runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from omniscope_registry.listing.filter import compile_filter
from omniscope_registry.listing.paging import (
    ID_KEY,
    clamp_page_size,
    decode_page_token,
    descending,
    encode_page_token,
    within_answer,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Column, ColumnElement, Row, Select

    from omniscope_registry.database import Reader
    from omniscope_registry.listing.filter import FilterField
    from omniscope_registry.listing.paging import MessageT


class ListRequest(Protocol):
    """What all List requests have in common."""

    page_size: int
    page_token: str
    filter: str
    order_by: str


async def fetch_page(
    conn: Reader,
    query: Select[Any],
    *,
    request: ListRequest,
    owner: str,
    key: Column[str],
    fields: Mapping[str, FilterField | ColumnElement[Any]],
    to_proto: Callable[[Row[Any]], MessageT],
) -> tuple[list[MessageT], str]:
    """Return one page, and the token of the next one; the token is empty on the last.

    A page is shorter than was asked for when more would not fit into one answer.

    Args:
        conn: Where to read.
        query: Selects the owner's rows, `key` among the columns, without order and limit.
        request: Page size, token, filter and order as the client sent them.
        owner: Part of what a token is bound to.
        key: Column of ids that sort by time.
        fields: What may be filtered by.
        to_proto: Makes what clients see of a row.

    Raises:
        InvalidArgument: The request is wrong, see `filter` and `paging`.
    """
    bound = (owner, request.filter, request.order_by)
    newest_first = descending(request.order_by)
    size = clamp_page_size(request.page_size)
    conditions = compile_filter(request.filter, fields)
    after = decode_page_token(request.page_token, bound, ID_KEY)
    if after is not None:
        conditions.append(key < after if newest_first else key > after)
    order = key.desc() if newest_first else key.asc()
    rows = (await conn.execute(query.where(*conditions).order_by(order).limit(size + 1))).all()
    page = list(within_answer(map(to_proto, rows[:size])))
    more = len(rows) > len(page)
    token = encode_page_token(getattr(rows[len(page) - 1], key.name), bound) if more else ""
    return page, token
