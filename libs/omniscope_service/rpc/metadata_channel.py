"""A channel that sends metadata with every call, whatever kind of call it is.

grpc.aio's client interceptors would do the same at the price of a task and another call object per
call; here the stub gets gRPC's own calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeAlias

import grpc
import grpc.aio

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    Metadata: TypeAlias = tuple[tuple[str, str | bytes], ...]


class MetadataChannel(grpc.aio.Channel):
    """Wraps a channel; generated stubs take it like any other.

    Args:
        channel: The channel that does the work; closed with this one.
        current: Returns the metadata to send, asked at every call.
    """

    def __init__(self, channel: grpc.aio.Channel, current: Callable[[], Metadata]) -> None:
        self._channel = channel
        self._current = current

    def unary_unary(self, *args: Any, **kwargs: Any) -> Any:
        """Return the callable of a unary method."""
        return self._attached(self._channel.unary_unary(*args, **kwargs))

    def unary_stream(self, *args: Any, **kwargs: Any) -> Any:
        """Return the callable of a server-streaming method."""
        return self._attached(self._channel.unary_stream(*args, **kwargs))

    def stream_unary(self, *args: Any, **kwargs: Any) -> Any:
        """Return the callable of a client-streaming method."""
        return self._attached(self._channel.stream_unary(*args, **kwargs))

    def stream_stream(self, *args: Any, **kwargs: Any) -> Any:
        """Return the callable of a bidirectional method."""
        return self._attached(self._channel.stream_stream(*args, **kwargs))

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

    async def __aenter__(self) -> Self:
        await self._channel.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self._channel.__aexit__(exc_type, exc_val, exc_tb)

    def _attached(self, method: Any) -> Callable[..., Any]:
        def call(*args: Any, metadata: Metadata | None = None, **kwargs: Any) -> Any:
            return method(*args, metadata=(*self._current(), *(metadata or ())), **kwargs)

        return call
