"""Channels to other services: identity, deadlines and retries attached, errors translated."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar, cast

import grpc.aio

from omniscope_service.rpc.auth import AUTHORIZATION_KEY, CALLER_TOKEN_KEY, current_caller
from omniscope_service.rpc.context import REQUEST_ID_KEY, current_request_id
from omniscope_service.rpc.metadata_channel import MetadataChannel
from omniscope_service.rpc.retries import retry_config
from omniscope_service.rpc.status import error_from_rpc

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Callable, Coroutine, Sequence

    from google.protobuf.descriptor import ServiceDescriptor

    from omniscope_service.rpc.metadata_channel import Metadata

ResponseT = TypeVar("ResponseT")

DEFAULT_DEADLINE_SECONDS = 30.0
"""Deadline of a unary call that names none."""
MAX_MESSAGE_BYTES = 4 * 1024 * 1024
"""Greatest message, both ways and on both sides; data travels in chunks."""


async def stream(call: AsyncIterable[ResponseT]) -> AsyncGenerator[ResponseT, None]:
    """Yield the messages of a streaming call; raise `ServiceError` for what it ends with.

    The call is cancelled when the iterator is closed. Leave early inside
    `contextlib.aclosing(stream(call))`: a call that is only dropped is never cancelled by gRPC.
    """
    try:
        async for message in call:
            yield message
    except grpc.aio.AioRpcError as err:
        raise error_from_rpc(err) from err
    finally:
        cast("grpc.aio.Call", call).cancel()


class ServiceChannel(MetadataChannel):
    """A channel for generated stubs that attaches identity and translates errors.

    Unary and client-streaming methods raise `ServiceError`, never `AioRpcError`, and are to be
    awaited at once. Unary ones have a default deadline; an upload may take long. Calls of
    server-streaming methods are plain gRPC calls; `stream` translates them.
    """

    def unary_unary(self, *args: Any, **kwargs: Any) -> Any:
        """Return the callable of a unary method."""
        return _translated(super().unary_unary(*args, **kwargs), DEFAULT_DEADLINE_SECONDS)

    def stream_unary(self, *args: Any, **kwargs: Any) -> Any:
        """Return the callable of a client-streaming method."""
        return _translated(super().stream_unary(*args, **kwargs), None)


def open_channel(
    target: str,
    token: str,
    *,
    forward_caller: bool,
    services: Sequence[ServiceDescriptor] = (),
) -> ServiceChannel:
    """Open a channel to a service of the suite.

    Args:
        target: gRPC target, for example `127.0.0.1:50051` or `dns:///registry:50051`.
        token: This process's own token, sent with every call.
        forward_caller: Send the current caller's token along; every call then needs a caller.
        services: Services whose idempotent methods are tried again while the peer is UNAVAILABLE.
    """
    options: list[tuple[str, Any]] = [
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        # By default up to two minutes: longer than the lease that a registry which comes back
        # grants to workers it has not heard of yet, and than calls are tried again.
        ("grpc.max_reconnect_backoff_ms", 1_000),
        ("grpc.service_config", json.dumps(retry_config(services))),
    ]
    own = (AUTHORIZATION_KEY, f"Bearer {token}")

    def current() -> Metadata:
        metadata: Metadata = (own,)
        if forward_caller:
            metadata = (*metadata, (CALLER_TOKEN_KEY, current_caller().token))
        if request_id := current_request_id():
            metadata = (*metadata, (REQUEST_ID_KEY, request_id))
        return metadata

    return ServiceChannel(grpc.aio.insecure_channel(target, options=options), current)


def _translated(
    method: Callable[..., Any], deadline_seconds: float | None
) -> Callable[..., Coroutine[Any, Any, Any]]:
    async def call(request: Any, *, timeout: float | None = None, **kwargs: Any) -> Any:  # noqa: ASYNC109 - gRPC's own name, sent to the peer
        deadline = deadline_seconds if timeout is None else timeout
        rpc = method(request, timeout=deadline, **kwargs)
        try:
            return await rpc
        except grpc.aio.AioRpcError as err:
            raise error_from_rpc(err) from err
        finally:
            rpc.cancel()

    return call
