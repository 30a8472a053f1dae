"""Sends an attempt's events to the registry: at once when idle, in batches under load."""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial
from itertools import count, islice
from typing import TYPE_CHECKING

import structlog

from omniscope.registry.v1.worker_service_pb2 import ReportedEvent, ReportEventsRequest
from omniscope_service.errors import Aborted
from omniscope_service.jobs.retry import NO_ANSWER, retry_until_answered
from omniscope_service.jobs.stop import StopCause, StopSignal

if TYPE_CHECKING:
    from omniscope.common.v1.job_event_pb2 import JobEvent
    from omniscope.registry.v1.worker_service_pb2 import AttemptLease
    from omniscope.registry.v1.worker_service_pb2_grpc import WorkerServiceAsyncStub

_BATCH_EVENTS = 500
_PENDING_EVENTS = 10_000

_log = structlog.get_logger()


class EventSender:
    """Numbers events and reports them in order, one batch in flight.

    What arrives while a batch is under way makes the next one: no timer delays an event, and the
    batches grow as the registry slows down.

    Args:
        registry: Stub of the registry.
        lease: The attempt that the events belong to.
        stop: Raised when the lease is lost.
    """

    def __init__(
        self, registry: WorkerServiceAsyncStub, lease: AttemptLease, stop: StopSignal
    ) -> None:
        self._registry = registry
        self._lease = lease
        self._stop = stop
        self._pending: deque[ReportedEvent] = deque()
        self._sequence = count(1)
        self._changed = asyncio.Condition()
        self._lost = False

    async def put(self, event: JobEvent) -> None:
        """Take an event; waits while 10,000 are pending, which slows the training down."""
        async with self._changed:
            await self._changed.wait_for(self._has_room)
            self._pending.append(ReportedEvent(worker_sequence=next(self._sequence), event=event))
            self._changed.notify_all()

    async def send(self) -> None:
        """Report what was put, until cancelled or the lease is lost.

        Raises:
            ServiceError: The registry refuses an event for what it is; the attempt cannot go on.
        """
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: bool(self._pending))
                batch = list(islice(self._pending, _BATCH_EVENTS))
            request = ReportEventsRequest(lease=self._lease, events=batch)
            report = partial(self._registry.ReportEvents, request)
            try:
                await retry_until_answered(report)
            except (Aborted, *NO_ANSWER) as error:
                _log.warning("events not taken", job_id=self._lease.job_id, reason=error.reason)
                await self._abandon()
                return
            await self._drop(len(batch))

    async def drain(self) -> None:
        """Wait until everything that was put is stored, or the lease is lost."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._lost or not self._pending)

    def _has_room(self) -> bool:
        return self._lost or len(self._pending) < _PENDING_EVENTS

    async def _abandon(self) -> None:
        async with self._changed:
            self._lost = True
            self._pending.clear()
            self._changed.notify_all()
        self._stop.request(StopCause.LEASE_LOST)

    async def _drop(self, sent: int) -> None:
        async with self._changed:
            for _ in range(sent):
                self._pending.popleft()
            self._changed.notify_all()
