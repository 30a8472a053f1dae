"""Runs every call of a server, unary or streaming alike, through the same layers."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from functools import reduce
from inspect import isasyncgen
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from omniscope_service.errors import InvalidArgument
from omniscope_service.rpc.required import check_required

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from omniscope_service.rpc.context import Context

_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


@dataclass(frozen=True, slots=True)
class Call:
    """One call on its way to a servicer.

    Attributes:
        method: Full name, for example `/omniscope.registry.v1.JobService/GetJob`.
        request: The encoded request, or an async iterator of them: nothing is decoded before the
            caller is known.
        context: The servicer context.
        request_streaming: True when `request` is an iterator.
        response_streaming: True when the servicer answers with a stream.
    """

    method: str
    request: Any
    context: Context
    request_streaming: bool
    response_streaming: bool


Proceed: TypeAlias = "Callable[[Call], Awaitable[Any]]"
"""Runs the rest of the chain; gives the answer of a unary call, None after a stream."""


class Layer(Protocol):
    """One concern of every call. Raises `ServiceError` to refuse it."""

    async def __call__(self, call: Call, proceed: Proceed) -> Any:
        """Do something before and after `await proceed(call)`, and return what that returned."""
        ...


class Chain(grpc.aio.ServerInterceptor):
    """Passes calls through layers, the first one outermost, and then to the servicer.

    One interceptor instead of one per layer: the handlers are wrapped once per method instead of
    once per call, and a layer is written once instead of once per kind of method.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self._layers = tuple(reversed(layers))
        self._wrapped: dict[str, _Handler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[_Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> _Handler | None:
        """Return the wrapped handler of a method, None for one that the server does not have."""
        method = handler_call_details.method
        if method not in self._wrapped:
            handler = await continuation(handler_call_details)
            if handler is None:
                return None
            self._wrapped[method] = self._wrap(method, handler)
        return self._wrapped[method]

    def _wrap(self, method: str, handler: _Handler) -> _Handler:
        proceed = reduce(_bind, self._layers, _terminal(handler))
        streams = handler.request_streaming, handler.response_streaming

        async def behavior(request: Any, context: Context) -> Any:
            return await proceed(Call(method, request, context, *streams))

        return _HANDLERS[streams](behavior, None, handler.response_serializer)


_HANDLERS: dict[tuple[bool, bool], Callable[..., _Handler]] = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}


def _bind(proceed: Proceed, layer: Layer) -> Proceed:
    async def bound(call: Call) -> Any:
        return await layer(call, proceed)

    return bound


def _terminal(handler: _Handler) -> Proceed:
    """Return the end of the chain: decode, check required fields, call the servicer."""
    decode = handler.request_deserializer
    servicer: Any = (
        handler.unary_unary
        or handler.unary_stream
        or handler.stream_unary
        or handler.stream_stream
    )
    assert decode is not None
    assert servicer is not None

    async def serve(call: Call) -> Any:
        if call.request_streaming:
            request = _decoded(call.request, decode)
        else:
            request = _decode(call.request, decode)
            check_required(request)
        answer = servicer(request, call.context)
        if call.response_streaming:
            return await _write_all(answer, call.context)
        return await answer

    return serve


async def _decoded(
    requests: AsyncIterator[bytes], decode: Callable[[bytes], Any]
) -> AsyncIterator[Any]:
    """Decode a stream of requests; only the first one carries the required fields."""
    first = True
    async for encoded in requests:
        request = _decode(encoded, decode)
        if first:
            check_required(request)
            first = False
        yield request


def _decode(encoded: bytes, decode: Callable[[bytes], Any]) -> Any:
    try:
        return decode(encoded)
    except DecodeError as err:
        raise InvalidArgument(
            "The request is not a message of this method's type.", reason="REQUEST_MALFORMED"
        ) from err


async def _write_all(answer: Any, context: Context) -> None:
    """Write a stream's messages here, so that whatever ends it passes through the layers."""
    if isasyncgen(answer):
        async with aclosing(answer) as messages:
            async for message in messages:
                await context.write(message)
    elif hasattr(answer, "__aiter__"):
        async for message in answer:
            await context.write(message)
    else:
        await answer
