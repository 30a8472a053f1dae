"""Keeps the lease of an attempt alive and hears from the registry what is wanted of it."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from omniscope.registry.v1.worker_service_pb2 import HeartbeatRequest
from omniscope_service.errors import ServiceError
from omniscope_service.events import subjects
from omniscope_service.jobs.persistence import until_answered
from omniscope_service.jobs.stop import StopCause, StopSignal

if TYPE_CHECKING:
    from omniscope.registry.v1.worker_service_pb2 import AttemptLease, ClaimJobResponse
    from omniscope.registry.v1.worker_service_pb2_grpc import WorkerServiceAsyncStub
    from omniscope_service.events.bus import EventBus

_JITTER = 0.2

_log = structlog.get_logger()


class LeaseKeeper:
    """Beats for one attempt until it is cancelled.

    Args:
        registry: Stub of the registry.
        grant: The claim that the lease came with.
        stop: Told when a cancel is requested or the lease is lost.
    """

    def __init__(
        self, registry: WorkerServiceAsyncStub, grant: ClaimJobResponse, stop: StopSignal
    ) -> None:
        self._registry = registry
        self._lease: AttemptLease = grant.lease
        self._interval_seconds = grant.heartbeat_interval.ToTimedelta().total_seconds()
        self._stop = stop
        self._hinted = asyncio.Event()

    async def beat(self) -> None:
        """Send a heartbeat at every interval, and at once after a control hint."""
        request = HeartbeatRequest(lease=self._lease)
        while True:
            await self._wait()
            try:
                answer = await until_answered(lambda: self._registry.Heartbeat(request))
            except ServiceError as error:
                _log.warning("lease lost", job_id=self._lease.job_id, reason=error.reason)
                self._stop.request(StopCause.LEASE_LOST)
                return
            if answer.cancel_requested:
                self._stop.request(StopCause.CANCELLED)
            if answer.HasField("deadline_in") and not answer.deadline_in.ToTimedelta():
                self._stop.request(StopCause.JOB_DEADLINE)

    async def listen(self, bus: EventBus) -> None:
        """Beat at once whenever a control hint comes; a lost one costs an interval."""
        async with bus.subscribe(subjects.control(self._lease.job_id)) as hints:
            async for _ in hints:
                self._hinted.set()

    async def _wait(self) -> None:
        # Spread, so that the workers of a fleet do not beat together.
        interval = self._interval_seconds * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311
        with suppress(TimeoutError):
            async with asyncio.timeout(interval):
                await self._hinted.wait()
        self._hinted.clear()
