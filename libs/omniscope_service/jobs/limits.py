"""What ends an attempt although nobody asked: time, silence, memory."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from omniscope_service.jobs.stop import StopCause, StopSignal

if TYPE_CHECKING:
    from collections.abc import Callable

    from omniscope.registry.v1.worker_service_pb2 import ClaimJobResponse
    from omniscope_service.jobs.launcher import Child

_MEASURE_SECONDS = 0.5


class AttemptLimits:
    """Watches one attempt; every method runs until it has asked for the end, or is cancelled.

    Args:
        grant: The claim, with the limits of its job.
        stop: Told which limit was hit.

    Attributes:
        peak_bytes: The most memory that the child was seen to hold.
    """

    def __init__(self, grant: ClaimJobResponse, stop: StopSignal) -> None:
        self.peak_bytes = 0
        self._grant = grant
        self._stop = stop
        self._heard_at: float | None = None

    def hear(self) -> None:
        """Note that the child was started, or said something."""
        self._heard_at = asyncio.get_running_loop().time()

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
            heard_at = loop.time() if self._heard_at is None else self._heard_at
            left = heard_at + longest_seconds - loop.time()
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
