"""Fetches one page of rows by key: the one query that every List RPC runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import literal, select, tuple_

from omniscope_registry.listing.filter import compile_filter
from omniscope_registry.listing.paging import (
    ID_KEY,
    clamp_page_size,
    decode_page_token,
    encode_page_token,
    order_of,
    within_answer,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from sqlalchemy import Column, ColumnElement, Row, Select

    from omniscope_registry.database import Database, Reader
    from omniscope_registry.listing.filter import Filterable
    from omniscope_registry.listing.paging import MessageT, Order


class ListRequest(Protocol):
    """The fields that all List requests have in common."""

    page_size: int
    page_token: str
    filter: str
    order_by: str


def reading(database: Database, request: ListRequest) -> AbstractAsyncContextManager[Reader]:
    """Return where to read a list: with a filter, all rows may have to be looked at."""
    return database.scan() if request.filter else database.read()


@dataclass(frozen=True)
class Page:
    """The rows of one page.

    Attributes:
        rows: In order.
        more: Whether others follow.
        key: Column of ids.
        bound: What the token of the next page is bound to.
    """

    rows: Sequence[Row[Any]]
    more: bool
    key: Column[str]
    bound: tuple[str, ...]

    def answer(self, to_proto: Callable[[Row[Any]], MessageT]) -> tuple[list[MessageT], str]:
        """Return what clients see, and the token of the next page; it is empty on the last.

        A page is shorter than was asked for when more would not fit into one answer.
        """
        messages = list(within_answer(map(to_proto, self.rows)))
        if not self.more and len(messages) == len(self.rows):
            return messages, ""
        last = getattr(self.rows[len(messages) - 1], self.key.name)
        return messages, encode_page_token(last, self.bound)


async def fetch_page(
    conn: Reader,
    query: Select[Any],
    *,
    request: ListRequest,
    owner: str,
    key: Column[str],
    fields: Mapping[str, Filterable],
    to_proto: Callable[[Row[Any]], MessageT],
) -> tuple[list[MessageT], str]:
    """Return one page as clients see it, and the token of the next one; see `fetch_rows`."""
    page = await fetch_rows(conn, query, request=request, owner=owner, key=key, fields=fields)
    return page.answer(to_proto)


async def fetch_rows(
    conn: Reader,
    query: Select[Any],
    *,
    request: ListRequest,
    owner: str,
    key: Column[str],
    fields: Mapping[str, Filterable],
    orders: Mapping[str, Column[Any]] | None = None,
    scope: Sequence[str] = (),
) -> Page:
    """Return one page of rows.

    Args:
        conn: Where to read.
        query: Selects rows, `key` among the columns, without owner, order and limit.
        request: Page size, token, filter and order as the client sent them.
        owner: Whose rows; also part of what a token is bound to.
        key: Column of ids that sort by time.
        fields: What may be filtered by.
        orders: What may be ordered by beside `create_time`, which `key` stands for.
        scope: What else of the request decides about the rows.

    Raises:
        InvalidArgument: The request is wrong, see `filter` and `paging`.
    """
    bound = (owner, request.filter, request.order_by, *scope)
    order = order_of(request.order_by, tuple(orders or ()))
    size = clamp_page_size(request.page_size)
    conditions, ordered_by = compile_filter(request.filter, fields, owner)
    if ordered_by is None:
        # Said also of what is found through related rows, it would lure SQLite to another index,
        # and to sort all rows for one page.
        conditions.append(key.table.c.owner == owner)
    columns: list[ColumnElement[Any]] = [
        column for name, column in (orders or {}).items() if name == order.field
    ]
    columns.append(key if ordered_by is None else ordered_by)
    after = decode_page_token(request.page_token, bound, ID_KEY)
    if after is not None:
        conditions.append(_beyond(after, owner, key, columns, order))
    places = [column.desc() if order.descending else column.asc() for column in columns]
    query = query.where(*conditions).order_by(*places)
    rows = (await conn.execute(query.limit(size + 1))).all()
    return Page(rows[:size], len(rows) > size, key, bound)


def _beyond(
    after: str,
    owner: str,
    key: Column[str],
    columns: Sequence[ColumnElement[Any]],
    order: Order,
) -> ColumnElement[bool]:
    """Return whether a row comes after the one with the id `after`; the last column is the id."""
    *others, here_key = columns
    if not others:
        return here_key < after if order.descending else here_key > after
    # Its place is where its row is now: the token need not hold texts of any length.
    # Tokens are not signed: the row must be the owner's, or its place would tell what it holds.
    last = key.table.alias()
    owned = (last.c[key.name] == after, last.c.owner == owner)
    place = [select(last.c[str(column.key)]).where(*owned).scalar_subquery() for column in others]
    here, there = tuple_(*columns), tuple_(*place, literal(after))
    return here < there if order.descending else here > there
