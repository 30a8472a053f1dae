"""The end of an attempt before its training's: why, and who asks for it.

A lease that is lost, a cancel that a heartbeat brings, and the limits on time, silence and memory
all raise the attempt's one `StopSignal`.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from enum import Enum, auto
from typing import TYPE_CHECKING

import structlog

from omniscope.registry.v1.worker_service_pb2 import HeartbeatRequest
from omniscope_service.errors import ServiceError
from omniscope_service.events import subjects
from omniscope_service.jobs.retry import retry_until_answered

if TYPE_CHECKING:
    from collections.abc import Callable

    from omniscope.registry.v1.worker_service_pb2 import AttemptLease, ClaimJobResponse
    from omniscope.registry.v1.worker_service_pb2_grpc import WorkerServiceAsyncStub
    from omniscope_service.events.bus import EventBus
    from omniscope_service.jobs.launcher import Child

_JITTER = 0.2
_MEASURE_SECONDS = 0.5

_log = structlog.get_logger()


class StopCause(Enum):
    """Why an attempt is stopped."""

    CANCELLED = auto()
    """Somebody asked for the end of the job."""
    DEADLINE = auto()
    """The hard limit on wall-clock time passed."""
    JOB_DEADLINE = auto()
    """The time by which the job must have ended has come."""
    STALLED = auto()
    """The child has said nothing for too long."""
    OUT_OF_MEMORY = auto()
    """The child takes more memory than it may."""
    PREEMPTED = auto()
    """The worker itself is being stopped."""
    LEASE_LOST = auto()
    """The attempt is not ours any more: nothing may be reported or stored for it."""


_DECISIVE = (StopCause.LEASE_LOST, StopCause.CANCELLED, StopCause.JOB_DEADLINE)
"""Causes that decide over the job, and not over this attempt alone; the first most of all."""


class StopSignal:
    """A request to end: the first cause stands, unless one comes later that decides over the job.

    A training that is being finished, or whose package is verified, still hears those.
    """

    def __init__(self) -> None:
        self._requested: list[StopCause] = []
        self._raised = asyncio.Event()

    @property
    def cause(self) -> StopCause | None:
        """The cause, or None while the attempt may go on."""
        decisive = (cause for cause in _DECISIVE if cause in self._requested)
        return next(decisive, self._requested[0] if self._requested else None)

    def is_requested(self, cause: StopCause) -> bool:
        """Tell whether the end was asked for because of this, too."""
        return cause in self._requested

    def request(self, cause: StopCause) -> None:
        """Ask for the end. Idempotent."""
        if cause not in self._requested:
            self._requested.append(cause)
        self._raised.set()

    async def wait(self) -> StopCause:
        """Wait until the end is asked for, and return why."""
        await self._raised.wait()
        assert self.cause is not None
        return self.cause


class LeaseHeartbeat:
    """Heartbeats of one attempt, which keep its lease and bring requests to end it.

    Args:
        registry: Stub of the registry.
        grant: The claim that the lease came with.
        stop: Raised when a cancel is requested or the lease is lost.
    """

    def __init__(
        self, registry: WorkerServiceAsyncStub, grant: ClaimJobResponse, stop: StopSignal
    ) -> None:
        self._registry = registry
        self._lease: AttemptLease = grant.lease
        self._interval_seconds = grant.heartbeat_interval.ToTimedelta().total_seconds()
        self._stop = stop
        self._hinted = asyncio.Event()

    async def send(self) -> None:
        """Send one at every interval, and at once after a control hint."""
        request = HeartbeatRequest(lease=self._lease)
        while True:
            await self._wait()
            try:
                answer = await retry_until_answered(lambda: self._registry.Heartbeat(request))
            except ServiceError as error:
                _log.warning("lease lost", job_id=self._lease.job_id, reason=error.reason)
                self._stop.request(StopCause.LEASE_LOST)
                return
            if answer.cancel_requested:
                self._stop.request(StopCause.CANCELLED)
            if answer.HasField("deadline_in") and not answer.deadline_in.ToTimedelta():
                self._stop.request(StopCause.JOB_DEADLINE)

    async def watch_control_hints(self, bus: EventBus) -> None:
        """Send one at once whenever a control hint comes; a lost hint costs an interval."""
        async with bus.subscribe(subjects.control(self._lease.job_id)) as hints:
            async for _ in hints:
                self._hinted.set()

    async def _wait(self) -> None:
        # Spread, so that the workers of a fleet do not call together.
        interval = self._interval_seconds * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311
        with suppress(TimeoutError):
            async with asyncio.timeout(interval):
                await self._hinted.wait()
        self._hinted.clear()


class LimitWatchdog:
    """Limits of one attempt; every `watch_` runs until it has asked for the end, or is cancelled.

    Args:
        grant: The claim, with the limits of its job.
        stop: Raised with the limit that was hit.

    Attributes:
        peak_bytes: The most memory that the child was seen to hold.
    """

    def __init__(self, grant: ClaimJobResponse, stop: StopSignal) -> None:
        self.peak_bytes = 0
        self._grant = grant
        self._stop = stop
        self._active_at: float | None = None

    def record_activity(self) -> None:
        """Note that the child was started, or reported or printed something."""
        self._active_at = asyncio.get_running_loop().time()

    async def watch_time(self) -> None:
        """End the attempt at its hard limit."""
        await asyncio.sleep(self._grant.hard_limit.ToTimedelta().total_seconds())
        self._stop.request(StopCause.DEADLINE)

    async def watch_deadline(self) -> None:
        """End the attempt at its job's deadline."""
        if self._grant.HasField("deadline_in"):
            await asyncio.sleep(self._grant.deadline_in.ToTimedelta().total_seconds())
            self._stop.request(StopCause.JOB_DEADLINE)

    async def watch_silence(self, longest_seconds: float) -> None:
        """End an attempt whose child says nothing: a training that works reports or prints."""
        loop = asyncio.get_running_loop()
        while True:
            active_at = loop.time() if self._active_at is None else self._active_at
            left = active_at + longest_seconds - loop.time()
            if left <= 0:
                self._stop.request(StopCause.STALLED)
                return
            await asyncio.sleep(left)

    async def watch_memory(self, child: Callable[[], Child | None], limit_bytes: int) -> None:
        """End an attempt whose child takes more than its share.

        The kernel would end the whole container, worker included, and nobody could say why.
        """
        while self.peak_bytes <= limit_bytes:
            await asyncio.sleep(_MEASURE_SECONDS)
            measured = child()
            if measured is not None and measured.alive:
                self.peak_bytes = max(self.peak_bytes, await measured.memory_bytes())
        self._stop.request(StopCause.OUT_OF_MEMORY)
