"""Run hints: messages to workers that work may be waiting."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog

from omniscope_service.events import subjects
from omniscope_service.events.nats_client import api, nats_errors

if TYPE_CHECKING:
    from nats.aio.msg import Msg

_ACK_WAIT_SECONDS = 30
_MAX_ACK_PENDING = 256
_RECREATE_SECONDS = 0.5

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Hint:
    """A delivered hint, the only one of its service and class: nobody else has one meanwhile.

    It says that there may be work, whatever it holds. The first of `ack` and `pass_on` counts;
    losing either is harmless, for the hint comes again.
    """

    message: Msg

    async def ack(self) -> None:
        """Remove the hint: a claim that was made since it came has found nothing."""
        with suppress(nats_errors.Error):
            await self.message.ack()

    async def pass_on(self, delay_seconds: float = 0) -> None:
        """Have it delivered to the next worker that waits: there may be more work."""
        with suppress(nats_errors.Error):
            await self.message.nak(delay=delay_seconds or None)


class HintConsumer:
    """Pulls the hints of one service and class; all its workers share one durable consumer."""

    def __init__(self, client: Any, service: str, resource_class: str) -> None:
        self._client = client
        self._jetstream = client.jetstream()
        self._subject = subjects.run_hint(service, resource_class)
        self._name = subjects.consumer_name(service, resource_class)
        self._subscription: Any = None

    async def fetch(self, timeout_seconds: float) -> Hint | None:
        """Wait for one hint; None when none came in time or the broker is away.

        Never cancel it: the broker would still deliver, to nobody. Use short timeouts.
        """
        if not self._client.is_connected:
            await asyncio.sleep(timeout_seconds)
            return None
        try:
            if self._subscription is None:
                self._subscription = await self._subscribe()
            messages = await self._subscription.fetch(1, timeout=timeout_seconds)
        except TimeoutError:
            return None
        except nats_errors.Error as error:
            # Among others: the consumer, its stream or the connection was lost.
            _log.warning("hint consumer lost", error=type(error).__name__)
            await self._unsubscribe()
            await asyncio.sleep(min(_RECREATE_SECONDS, timeout_seconds))
            return None
        return Hint(messages[0])

    async def _subscribe(self) -> Any:
        # `add_consumer` brings an existing consumer up to date; `pull_subscribe` would not.
        await self._jetstream.add_consumer(
            subjects.JOBS_STREAM,
            api.ConsumerConfig(
                durable_name=self._name,
                filter_subject=self._subject,
                ack_policy=api.AckPolicy.EXPLICIT,
                ack_wait=_ACK_WAIT_SECONDS,
                # A limit would leave the message in the stream for ever, undelivered; a backoff
                # would replace the ack wait. Counting attempts is the registry's business.
                max_deliver=-1,
                max_ack_pending=_MAX_ACK_PENDING,
            ),
        )
        return await self._jetstream.pull_subscribe_bind(self._name, stream=subjects.JOBS_STREAM)

    async def _unsubscribe(self) -> None:
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            with suppress(nats_errors.Error):
                await subscription.unsubscribe()
