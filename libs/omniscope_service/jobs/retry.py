"""Retries of calls to the registry, so that its restart ends no training."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from omniscope_service.errors import DeadlineExceeded, ResourceExhausted, Unavailable

RETRY_SECONDS = 600.0
"""How long a worker goes on without an answer of the registry."""
NO_ANSWER = (Unavailable, DeadlineExceeded, ResourceExhausted)
"""Errors that the registry did not decide on: it is away, or has too many calls."""
_FIRST_DELAY_SECONDS = 0.2
_GREATEST_DELAY_SECONDS = 10.0

AnswerT = TypeVar("AnswerT")


async def retry_until_answered(
    call: Callable[[], Awaitable[AnswerT]],
    timeout_seconds: float = RETRY_SECONDS,
    stop: asyncio.Event | None = None,
) -> AnswerT:
    """Call until there is an answer; only for calls that may be repeated.

    Args:
        call: The call.
        timeout_seconds: How long to go on without an answer.
        stop: Once it is set, no further call is made.

    Raises:
        ServiceError: The answer, when it is a refusal; one of `NO_ANSWER` when there was none
            until the time was over or the stop came.
    """
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + timeout_seconds
    delay = _FIRST_DELAY_SECONDS
    while True:
        try:
            return await call()
        except NO_ANSWER:
            # Random, so that a registry which comes back is not met by all workers at once.
            pause = random.uniform(0, delay)  # noqa: S311
            if loop.time() + delay > give_up_at or await _stopped(stop, pause):
                raise
        delay = min(2 * delay, _GREATEST_DELAY_SECONDS)


async def _stopped(stop: asyncio.Event | None, seconds: float) -> bool:
    """Wait for the stop, no longer than so many seconds; return whether it has come."""
    if stop is None:
        await asyncio.sleep(seconds)
        return False
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
    return stop.is_set()
