"""Pages lists by key, so that the hundredth page costs what the first one does."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from omniscope_service.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from google.protobuf.message import Message

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 1000
ID_KEY = re.compile(r"[0-9A-Z]{26}")
"""Form of the keys of rows: ULIDs."""
POSITION_KEY = re.compile(r"[0-9]{1,9}")
"""Form of the keys of columns: positions from 0."""
NAME_KEY = re.compile(r"[A-Za-z0-9_.-]{1,128}")
"""Form of the keys of what has a name only."""
PAIR_KEY = re.compile(r"[0-9]{1,9}:[0-9]{1,10}")
"""Form of the keys of values: two numbers."""
_MAX_TOKEN_LENGTH = 256
# Half of what a message may have; a single row is far smaller.
_MAX_PAGE_BYTES = 2 * 1024 * 1024

MessageT = TypeVar("MessageT", bound="Message")


def clamp_page_size(
    page_size: int, *, default: int = DEFAULT_PAGE_SIZE, maximum: int = MAX_PAGE_SIZE
) -> int:
    """Return how many rows a page holds: the default for 0, never more than the maximum.

    Raises:
        InvalidArgument: It is negative; reason PAGE_SIZE_INVALID.
    """
    if page_size < 0:
        raise InvalidArgument(
            f"page_size {page_size} is negative: 0 means {default}, at most {maximum}",
            reason="PAGE_SIZE_INVALID",
            field="page_size",
        )
    return min(page_size, maximum) or default


def within_answer(rows: Iterable[MessageT]) -> Iterator[MessageT]:
    """Yield the first rows, as many as one answer can hold; never none of them."""
    size = 0
    for index, row in enumerate(rows):
        size += row.ByteSize()
        if index and size > _MAX_PAGE_BYTES:
            return
        yield row


def encode_page_token(key: str, query: Sequence[str]) -> str:
    """Make the token of the page after `key`.

    Args:
        key: Key of the last row of this page.
        query: Everything that the pages of one list have in common: owner, filter, order.
    """
    return base64.urlsafe_b64encode(json.dumps([_digest(query), key]).encode()).decode()


def decode_page_token(token: str, query: Sequence[str], form: re.Pattern[str]) -> str | None:
    """Return the key to go on after; None for the empty token of the first page.

    Args:
        token: What the client sent: not always what a server has made.
        query: As for `encode_page_token`.
        form: What keys of this list look like.

    Raises:
        InvalidArgument: The token was not made for this query; reason PAGE_TOKEN_MISMATCH.
    """
    if not token:
        return None
    if len(token) > _MAX_TOKEN_LENGTH:
        raise _mismatch()
    try:
        digest, key = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (binascii.Error, ValueError, TypeError) as error:
        raise _mismatch() from error
    if digest != _digest(query) or not isinstance(key, str) or form.fullmatch(key) is None:
        raise _mismatch()
    return key


class Order(NamedTuple):
    """The order of a list: its field, and whether the greatest come first."""

    field: str
    descending: bool


NEWEST_FIRST = Order("create_time", descending=True)


def order_of(order_by: str, fields: Collection[str] = ()) -> Order:
    """Return the order that a client asks for; the newest come first by default.

    Args:
        order_by: As the client sent it.
        fields: What the list may be ordered by beside `create_time`.

    Raises:
        InvalidArgument: It is no order of this list; reason ORDER_BY_INVALID.
    """
    if not order_by.strip():
        return NEWEST_FIRST
    allowed = (NEWEST_FIRST.field, *fields)
    match order_by.split():
        case [field, "desc"] if field in allowed:
            return Order(field, descending=True)
        case [field] | [field, "asc"] if field in allowed:
            return Order(field, descending=False)
        case _:
            forms = ", ".join(f"{field!r}, '{field} desc'" for field in allowed)
            raise InvalidArgument(
                f"order_by {order_by!r} is not one of {forms}",
                reason="ORDER_BY_INVALID",
                field="order_by",
            )


def _digest(query: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps(list(query)).encode()).hexdigest()[:32]


def _mismatch() -> InvalidArgument:
    return InvalidArgument(
        "page_token is not the next_page_token of a page of this list: the other fields of the "
        "request have to be the same",
        reason="PAGE_TOKEN_MISMATCH",
        field="page_token",
    )
