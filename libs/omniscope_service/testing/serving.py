"""A service in the test's own process, behind a real server and a real channel."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import grpc.aio

from omniscope_service.app import Service, running
from omniscope_service.rpc.auth import AUTHORIZATION_KEY, CALLER_TOKEN_KEY
from omniscope_service.rpc.metadata_channel import MetadataChannel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from omniscope_service.rpc.metadata_channel import Metadata

_GRACE_SECONDS = 1.0


@asynccontextmanager
async def serve(service: Service) -> AsyncIterator[str]:
    """Start a service as `app.run` does, on a free loopback port; yield its gRPC target."""
    local = replace(
        service,
        listen="127.0.0.1:0",
        grace_seconds=min(service.grace_seconds, _GRACE_SECONDS),
        drain_seconds=min(service.drain_seconds, _GRACE_SECONDS),
    )
    async with running(local) as started:
        yield started.target


def channel(target: str, token: str = "", caller_token: str = "") -> MetadataChannel:
    """Return a plain channel, as any client has, that sends tokens with every call.

    Args:
        target: gRPC target.
        token: Sent as the bearer token; empty sends none.
        caller_token: Sent as a service does for its caller; empty sends none.
    """
    metadata: Metadata = ()
    if token:
        metadata = (*metadata, (AUTHORIZATION_KEY, f"Bearer {token}"))
    if caller_token:
        metadata = (*metadata, (CALLER_TOKEN_KEY, caller_token))
    return MetadataChannel(grpc.aio.insecure_channel(target), lambda: metadata)
