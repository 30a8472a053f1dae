"""Channels to other services: tokens, deadlines and retries attached, errors translated."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import grpc
import grpc.aio

from omniscope_service.rpc.auth import AUTHORIZATION_KEY, CALLER_TOKEN_KEY, current_caller
from omniscope_service.rpc.context import REQUEST_ID_KEY, current_request_id
from omniscope_service.rpc.retries import retry_config
from omniscope_service.rpc.status import error_from_rpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Sequence
    from types import TracebackType

    from google.protobuf.descriptor import ServiceDescriptor

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")
_Metadata = tuple[tuple[str, str | bytes], ...]

DEFAULT_DEADLINE_SECONDS = 30.0
"""Deadline of a unary call that names none."""
MAX_MESSAGE_BYTES = 4 * 1024 * 1024
"""Greatest message, both ways and on both sides; data travels in chunks."""


async def stream(call: AsyncIterable[ResponseT]) -> AsyncIterator[ResponseT]:
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


class _Attach:
    """Adds the tokens and the request id to the metadata of each call."""

    def __init__(self, token: str, *, forward_caller: bool) -> None:
        self._own = ((AUTHORIZATION_KEY, f"Bearer {token}"),)
        self._forward_caller = forward_caller

    def __call__(self, metadata: _Metadata | None) -> _Metadata:
        attached: _Metadata = (*self._own, *(metadata or ()))
        if self._forward_caller:
            attached = (*attached, (CALLER_TOKEN_KEY, current_caller().token))
        if request_id := current_request_id():
            attached = (*attached, (REQUEST_ID_KEY, request_id))
        return attached


class _UnaryCall(Generic[RequestT, ResponseT]):
    """A unary or client-streaming method whose failures arrive as `ServiceError`."""

    def __init__(self, method: Any, attach: _Attach, deadline_seconds: float | None) -> None:
        self._method = method
        self._attach = attach
        self._deadline_seconds = deadline_seconds

    async def __call__(
        self,
        request: RequestT,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - gRPC's own name, sent as the deadline
        metadata: _Metadata | None = None,
    ) -> ResponseT:
        deadline = self._deadline_seconds if timeout is None else timeout
        call = self._method(request, timeout=deadline, metadata=self._attach(metadata))
        try:
            return cast("ResponseT", await call)
        except grpc.aio.AioRpcError as err:
            raise error_from_rpc(err) from err
        finally:
            call.cancel()


class _StreamCall(Generic[RequestT, ResponseT]):
    """A method that answers with a stream; pass its calls through `stream`."""

    def __init__(self, method: Any, attach: _Attach) -> None:
        self._method = method
        self._attach = attach

    def __call__(
        self,
        request: RequestT,
        *,
        timeout: float | None = None,
        metadata: _Metadata | None = None,
    ) -> grpc.aio.UnaryStreamCall[RequestT, ResponseT]:
        call = self._method(request, timeout=timeout, metadata=self._attach(metadata))
        return cast("grpc.aio.UnaryStreamCall[RequestT, ResponseT]", call)


class ServiceChannel(grpc.aio.Channel):
    """A channel for generated stubs that attaches identity and translates errors.

    Unary and client-streaming methods raise `ServiceError`, never `AioRpcError`. Unary ones have a
    default deadline; an upload may take long. Calls of server-streaming methods are plain gRPC
    calls; `stream` translates them.
    """

    def __init__(self, channel: grpc.aio.Channel, attach: _Attach) -> None:
        self._channel = channel
        self._attach = attach

    def unary_unary(self, *args: Any, **kwargs: Any) -> Any:
        """Return the callable of a unary method."""
        method = self._channel.unary_unary(*args, **kwargs)
        return _UnaryCall[Any, Any](method, self._attach, DEFAULT_DEADLINE_SECONDS)

    def stream_unary(self, *args: Any, **kwargs: Any) -> Any:
        """Return the callable of a client-streaming method."""
        return _UnaryCall[Any, Any](
            self._channel.stream_unary(*args, **kwargs), self._attach, None
        )

    def unary_stream(self, *args: Any, **kwargs: Any) -> Any:
        """Return the callable of a server-streaming method."""
        return _StreamCall[Any, Any](self._channel.unary_stream(*args, **kwargs), self._attach)

    def stream_stream(self, *args: Any, **kwargs: Any) -> Any:
        """Return the callable of a bidirectional method."""
        return _StreamCall[Any, Any](self._channel.stream_stream(*args, **kwargs), self._attach)

    async def close(self, grace: float | None = None) -> None:
        """Close the channel; calls in flight are cancelled after `grace` seconds."""
        await self._channel.close(grace)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        """Return the state of the connection."""
        return self._channel.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """Wait until the state is another one."""
        await self._channel.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """Wait until the connection stands."""
        await self._channel.channel_ready()

    async def __aenter__(self) -> ServiceChannel:
        await self._channel.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self._channel.__aexit__(exc_type, exc_val, exc_tb)


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
        ("grpc.service_config", json.dumps(retry_config(services))),
    ]
    channel = grpc.aio.insecure_channel(target, options=options)
    return ServiceChannel(channel, _Attach(token, forward_caller=forward_caller))
