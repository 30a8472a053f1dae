"""The interface of services to a message broker."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """One received message."""

    subject: str
    data: bytes


class EventBus(Protocol):
    """Publishes notifications and hands them to subscribers.

    Delivery is best effort on both sides: messages can be lost, repeated and reordered. Whoever
    listens compares with the registry's journal.
    """

    @property
    def healthy(self) -> bool:
        """True while the broker is connected."""
        ...

    async def publish(self, subject: str, data: bytes, *, message_id: str) -> None:
        """Store a message in the stream that holds its subject and wait for the confirmation.

        Repeating it with the same `message_id` within two minutes stores it once.

        Raises:
            Unavailable: No confirmation came; the message may have been stored nevertheless.
        """
        ...

    async def notify(self, subject: str, data: bytes) -> None:
        """Send a message to whoever listens now; nobody stores or confirms it.

        Raises:
            Unavailable: The broker is not connected.
        """
        ...

    def subscribe(self, subject: str) -> AbstractAsyncContextManager[AsyncIterator[Message]]:
        """Listen from now on; `subject` may hold `*` for one part.

        Entering waits until the broker is connected and knows of the subscription. The iterator
        never ends by itself, survives reconnects (what was sent in between is lost) and drops
        messages when its reader is 10,000 behind.
        """
        ...
