"""Fetches one page of rows by key: the one query that every List RPC runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from omniscope_registry.listing.filter import compile_filter
from omniscope_registry.listing.paging import (
    ID_KEY,
    clamp_page_size,
    decode_page_token,
    descending,
    encode_page_token,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Column, ColumnElement, Row, Select

    from omniscope_registry.database import Reader
    from omniscope_registry.listing.filter import FilterField


class ListRequest(Protocol):
    """What all List requests have in common."""

    page_size: int
    page_token: str
    filter: str
    order_by: str


@dataclass(frozen=True)
class Page:
    """Rows of a page, and the token of the next one; empty on the last."""

    rows: Sequence[Row[Any]]
    next_page_token: str


async def fetch_page(
    conn: Reader,
    query: Select[Any],
    *,
    request: ListRequest,
    owner: str,
    key: Column[str],
    fields: Mapping[str, FilterField | ColumnElement[Any]],
) -> Page:
    """Run a query for one page.

    Args:
        conn: Where to read.
        query: Selects the owner's rows, `key` among the columns, without order and limit.
        request: Page size, token, filter and order as the client sent them.
        owner: Part of what a token is bound to.
        key: Column of ids that sort by time.
        fields: What may be filtered by.

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
    token = encode_page_token(getattr(rows[size - 1], key.name), bound) if rows[size:] else ""
    return Page(rows[:size], token)
