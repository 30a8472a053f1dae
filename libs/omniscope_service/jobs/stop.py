"""Why an attempt has to end before its training does."""

import asyncio
from enum import Enum, auto


class StopCause(Enum):
    """What ends an attempt from outside."""

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


class StopSignal:
    """Tells an attempt to end, once: the first cause stands, unless the lease is lost later."""

    def __init__(self) -> None:
        self._cause: StopCause | None = None
        self._raised = asyncio.Event()

    @property
    def cause(self) -> StopCause | None:
        """The cause, or None while the attempt may go on."""
        return self._cause

    def request(self, cause: StopCause) -> None:
        """Ask for the end. Idempotent."""
        if self._cause is None or cause is StopCause.LEASE_LOST:
            self._cause = cause
        self._raised.set()

    async def wait(self) -> StopCause:
        """Wait until the end is asked for, and return why."""
        await self._raised.wait()
        assert self._cause is not None
        return self._cause
