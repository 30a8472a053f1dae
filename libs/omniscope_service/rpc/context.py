"""One name for the servicer context, and what is known about the call that is being served."""

from __future__ import annotations

import secrets
from contextvars import ContextVar
from typing import Any, TypeAlias

import grpc.aio

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]
"""Type of `context` in every servicer method."""

REQUEST_ID_KEY = "x-request-id"
"""Metadata key of the request's id, sent along through all services."""

_request_id: ContextVar[str] = ContextVar("omniscope_request_id", default="")
_ALLOWED = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
_MAX_LENGTH = 64


def current_request_id() -> str:
    """Return the id of the request that is being served, empty outside of one."""
    return _request_id.get()


def bind_request_id(offered: str) -> str:
    """Take the client's id for this request, or make one when it is missing or unfit for a log.

    Args:
        offered: What the client sent, empty when it sent nothing.
    """
    fit = offered and len(offered) <= _MAX_LENGTH and _ALLOWED.issuperset(offered)
    request_id = offered if fit else secrets.token_hex(16)
    _request_id.set(request_id)
    return request_id
