"""One warm child: importing the libraries takes seconds, a waiting child starts at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from omniscope_service.errors import ServiceError
from omniscope_service.jobs.frames import FrameError

if TYPE_CHECKING:
    from omniscope_service.jobs.launcher import Child, ChildLauncher

_log = structlog.get_logger()


class WarmChild:
    """At most one idle child that waits for a job.

    Args:
        launcher: Starts children.
        keep_seconds: How long an idle child is kept; it holds 400 to 500 MB.
    """

    def __init__(self, launcher: ChildLauncher, keep_seconds: float) -> None:
        self._launcher = launcher
        self._keep_seconds = keep_seconds
        self._warming: asyncio.Task[Child | None] | None = None
        self._dropping: asyncio.Task[None] | None = None

    def prepare(self) -> None:
        """Begin to warm a child unless there is one. Returns at once."""
        if self._warming is None:
            self._warming = asyncio.create_task(self._launch())
            self._dropping = asyncio.create_task(self._drop_when_idle(self._warming))

    async def take(self) -> Child:
        """Return the warm child, or a new one as soon as it is warm.

        Raises:
            Unavailable: No child could be started.
        """
        child = await self._take_warm()
        if child is not None and child.alive:
            return child
        if child is not None:
            await child.close()
        return await self._launcher.launch()

    async def close(self) -> None:
        """End the idle child, if there is one."""
        warming = self._detach()
        if warming is not None:
            warming.cancel()  # without effect on one that is warm
            await asyncio.wait({warming})
            await _close(warming)

    async def _launch(self) -> Child | None:
        try:
            return await self._launcher.launch()
        except (ServiceError, OSError, FrameError) as error:
            # The next job tries for itself, and reports what is wrong.
            _log.warning("no child could be warmed", error=str(error))
            return None

    async def _take_warm(self) -> Child | None:
        if self._warming is None:
            return None
        warming = self._warming
        # A job that is cancelled while the child warms up leaves it to the next one.
        child = await asyncio.shield(warming)
        if self._warming is not warming:
            return None  # another slot was faster
        self._detach()
        return child

    def _detach(self) -> asyncio.Task[Child | None] | None:
        warming, self._warming = self._warming, None
        if self._dropping is not None:
            self._dropping.cancel()
        return warming

    async def _drop_when_idle(self, warming: asyncio.Task[Child | None]) -> None:
        await asyncio.wait({warming})
        await asyncio.sleep(self._keep_seconds)
        self._warming = None
        await _close(warming)


async def _close(warming: asyncio.Task[Child | None]) -> None:
    child = None if warming.cancelled() else warming.result()
    if child is not None:
        await child.close()
