"""The event bus on NATS JetStream."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Self

import structlog

from omniscope_service.errors import Unavailable
from omniscope_service.events.bus import Message
from omniscope_service.events.hints import HintConsumer
from omniscope_service.events.nats_client import Client, nats_errors, stream_errors
from omniscope_service.events.streams import make_streams

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_PUBLISH_SECONDS = 5.0
_FLUSH_SECONDS = 1
_PENDING_BYTES = 1024 * 1024
_SUBSCRIPTION_MESSAGES = 10_000

_log = structlog.get_logger()


class NatsBus:
    """`EventBus` over one connection, which is made anew for ever when it breaks.

    Make it with `connect`, end it with `close`, both on the same event loop.
    """

    def __init__(self) -> None:
        self._client: Any = Client()
        self._jetstream: Any = self._client.jetstream()
        self._connecting: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._stream_replicas = 0

    @classmethod
    async def connect(cls, url: str, name: str, *, patience_seconds: float = 5.0) -> Self:
        """Connect, and go on trying in the background when the broker does not answer in time.

        Args:
            url: Address of the broker, credentials included.
            name: Who connects, for the broker's own log.
            patience_seconds: How long to wait for the broker; after that the bus is not healthy
                until it appears.
        """
        bus = cls()
        bus._connecting = asyncio.create_task(bus._connect(url, name))
        done, _ = await asyncio.wait({bus._connecting}, timeout=patience_seconds)
        if done:
            bus._connecting.result()
        else:
            _log.warning("broker not reached yet")
        return bus

    async def _connect(self, url: str, name: str) -> None:
        await self._client.connect(
            url,
            name=name,
            # The defaults give up after 60 attempts and notice a hanging broker after minutes.
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.5,
            ping_interval=10,
            max_outstanding_pings=2,
            pending_size=_PENDING_BYTES,
            error_cb=_log_error,
            disconnected_cb=self._on_disconnect,
            reconnected_cb=self._on_connect,
        )
        await self._on_connect()

    @property
    def healthy(self) -> bool:
        """True while the broker is connected and the streams were made, if that is our part."""
        return self._ready.is_set()

    async def ensure_streams(self, replicas: int = 1) -> None:
        """Make the streams now and after every reconnect: a broker may come back without them.

        Only the registry calls this. Without a connection they are made when there is one.
        """
        self._stream_replicas = replicas
        if self.healthy:
            await self._make_streams()

    async def publish(self, subject: str, data: bytes, *, message_id: str) -> None:
        """Store a message in the stream that holds its subject and wait for the confirmation."""
        self._require_connection()
        # A new dictionary for each: nats-py keeps and changes the one it gets.
        headers = {"Nats-Msg-Id": message_id}
        try:
            await self._jetstream.publish(subject, data, timeout=_PUBLISH_SECONDS, headers=headers)
        except (nats_errors.Error, TimeoutError) as error:
            if isinstance(error, stream_errors.NoStreamResponseError):
                await self._make_streams()
            raise _unavailable(f"did not confirm a message: {type(error).__name__}") from error

    async def notify(self, subject: str, data: bytes) -> None:
        """Send a message to whoever listens now."""
        self._require_connection()
        try:
            await self._client.publish(subject, data)
        except nats_errors.Error as error:
            raise _unavailable(f"took no message: {type(error).__name__}") from error

    @asynccontextmanager
    async def subscribe(self, subject: str) -> AsyncIterator[AsyncIterator[Message]]:
        """Listen from now on; waits for the broker when it is not connected."""
        await self._ready.wait()
        received: asyncio.Queue[Message] = asyncio.Queue(_SUBSCRIPTION_MESSAGES)

        async def receive(message: Any) -> None:
            with suppress(asyncio.QueueFull):
                received.put_nowait(Message(message.subject, message.data))

        subscription = await self._client.subscribe(subject, cb=receive)
        try:
            with suppress(nats_errors.Error, TimeoutError):
                await self._client.flush(_FLUSH_SECONDS)
            yield _drain(received)
        finally:
            with suppress(nats_errors.Error):
                await subscription.unsubscribe()

    def hints(self, service: str, resource_class: str) -> HintConsumer:
        """Return the consumer of a worker's run hints."""
        return HintConsumer(self._client, service, resource_class)

    async def close(self) -> None:
        """End the connection; what was sent before is flushed."""
        if self._connecting is not None:
            self._connecting.cancel()
        # Not nats-py's drain: it waits until somebody has read what pull subscriptions hold.
        with suppress(nats_errors.Error, TimeoutError):
            if self.healthy:
                await self._client.flush(_FLUSH_SECONDS)
        await self._client.close()

    def _require_connection(self) -> None:
        # nats-py would keep the message and send it after the timeout that the caller saw.
        if not self.healthy:
            raise _unavailable("is not connected")

    async def _make_streams(self) -> None:
        if not self._stream_replicas:
            return
        try:
            await make_streams(self._jetstream, self._stream_replicas)
        except (nats_errors.Error, TimeoutError) as error:
            _log.warning("streams not made", error=str(error))

    async def _on_connect(self) -> None:
        await self._make_streams()
        _log.info("broker connected")
        self._ready.set()

    async def _on_disconnect(self) -> None:
        _log.warning("broker not connected")
        self._ready.clear()


async def _drain(received: asyncio.Queue[Message]) -> AsyncIterator[Message]:
    while True:
        yield await received.get()


def _unavailable(what: str) -> Unavailable:
    return Unavailable(f"The message broker {what}.", reason="BROKER_UNAVAILABLE")


async def _log_error(error: Exception) -> None:
    _log.warning("broker connection error", error=type(error).__name__)
