"""Repeats what heals the job system, whatever the database does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from omniscope_service.errors import DeadlineExceeded, Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import timedelta

_log = structlog.get_logger(__name__)


async def repeat(step: Callable[[], Awaitable[object]], pause: timedelta) -> None:
    """Take a step and pause, over and over, until cancelled; an outage skips a step."""
    while True:
        try:
            await step()
        except (Unavailable, DeadlineExceeded) as error:
            _log.warning("step skipped", task=step.__name__, reason=error.reason)
        await asyncio.sleep(pause.total_seconds())
