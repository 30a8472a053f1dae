"""Publishes the outbox: everything at least once, oldest first; of a class's hints the newest."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from omniscope_registry import outbox
from omniscope_service import failpoints
from omniscope_service.errors import Unavailable
from omniscope_service.events import subjects

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omniscope_registry.database import Database
    from omniscope_service.events.bus import EventBus

_BATCH = 100
# Rows of other registries, and of this one when a commit's wake-up was missed.
_POLL_SECONDS = 2.0
_RETRY_SECONDS = 1.0
_log = structlog.get_logger(__name__)


class Relay:
    """Takes messages from the outbox to the broker.

    A crash between publishing and removing publishes twice; nobody minds, for a hint only says
    where to look and events carry their sequence.
    """

    def __init__(self, database: Database, bus: EventBus) -> None:
        self._database = database
        self._bus = bus
        self._failing = False

    async def run(self) -> None:
        """Relay until cancelled."""
        while True:
            seen = self._database.commits
            try:
                published = await self.relay()
            except Unavailable as error:
                self._note(error)
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            self._note(None)
            if published == 0:
                await self._database.wait_for_commit(after=seen, timeout_seconds=_POLL_SECONDS)

    async def relay(self) -> int:
        """Publish the oldest messages, at most 100; return how many that were.

        Raises:
            Unavailable: The broker or the database does not answer. What was published before is
                removed already, the rest stays.
        """
        async with self._database.read() as conn:
            rows = await outbox.pending(conn, "nats", _BATCH)
        if not rows:
            return 0
        if self._database.dialect == "postgresql":
            return await self._relay_locked()
        # The only process there is. No transaction while the broker is asked: it would be the
        # only one that can write.
        published, failure = await self._publish(rows)
        if published:
            async with self._database.write() as conn:
                await outbox.remove(conn, published)
        if failure is not None:
            raise failure
        return len(published)

    async def _relay_locked(self) -> int:
        async with self._database.write() as conn:
            rows = await outbox.pending_locked(conn, "nats", _BATCH)
            published, failure = await self._publish(rows)
            await outbox.remove(conn, published)
        if failure is not None:
            raise failure
        return len(published)

    async def _publish(
        self, rows: Sequence[outbox.PendingRow]
    ) -> tuple[list[int], Unavailable | None]:
        """Return the rows that the broker has confirmed, and why the others were not."""
        await failpoints.reach("relay.before_publish")
        messages = _messages(rows)
        calls = [
            # The newest: the broker may have taken an older one already, and drops what it knows.
            self._bus.publish(row.subject, row.payload, message_id=row.message_id)
            for *_, row in messages
        ]
        # All at once: sent in this order, and one round trip for all confirmations.
        results = await asyncio.gather(*calls, return_exceptions=True)
        published: list[int] = []
        failure: Unavailable | None = None
        for message, result in zip(messages, results, strict=True):
            if result is None:
                published.extend(row.id for row in message)
            elif isinstance(result, Unavailable):
                failure = result
            else:
                raise result
        await failpoints.reach("relay.after_publish")
        return published, failure

    def _note(self, error: Unavailable | None) -> None:
        """Log the beginning and the end of an outage, not every attempt in between."""
        if error is not None and not self._failing:
            _log.warning("outbox is not delivered", reason=error.reason, error=error.message)
        if error is None and self._failing:
            _log.info("outbox is delivered again")
        self._failing = error is not None


def _messages(rows: Sequence[outbox.PendingRow]) -> list[list[outbox.PendingRow]]:
    """Return the rows that each message stands for: of all hints of a class one does."""
    messages: dict[str, list[outbox.PendingRow]] = {}
    for row in rows:
        key = row.subject if subjects.is_run_hint(row.subject) else str(row.id)
        messages.setdefault(key, []).append(row)
    return list(messages.values())
