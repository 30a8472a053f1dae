"""Ends endless streams when a server is stopped, so that they do not use up its grace."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from omniscope_service.errors import Unavailable
from omniscope_service.rpc.policy import policy_of

if TYPE_CHECKING:
    from omniscope_service.rpc.chain import Call, Proceed
    from omniscope_service.rpc.context import Context


class Drain:
    """The layer that knows the open endless streams. Downloads are not among them."""

    def __init__(self) -> None:
        self._open: set[_OpenStream] = set()
        self._draining = False

    def end_streams(self) -> None:
        """End every endless stream with UNAVAILABLE and refuse new ones."""
        self._draining = True
        for stream in self._open:
            stream.end()

    async def __call__(self, call: Call, proceed: Proceed) -> Any:
        """Run a call; an endless stream ends when the drain begins."""
        if not policy_of(call.method).endless:
            return await proceed(call)
        if self._draining:
            raise _draining()
        stream = _OpenStream(call.context)
        self._open.add(stream)
        try:
            return await proceed(replace(call, context=cast("Context", stream)))
        except asyncio.CancelledError:
            if not stream.take_cancellation():
                raise
            raise _draining() from None
        finally:
            self._open.discard(stream)


class _OpenStream:
    """A servicer context that can be told to end its stream.

    A servicer that waits is cancelled. One that writes is not, as gRPC can send no status while a
    message is on its way: it learns of the end when the message is gone.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._task = asyncio.current_task()
        self._writing = False
        self._ending = False
        self._cancelled = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    def end(self) -> None:
        self._ending = True
        if not self._writing and self._task is not None:
            self._cancelled = self._task.cancel()

    def take_cancellation(self) -> bool:
        """Tell whether the cancellation came from `end`; it is over then."""
        if self._cancelled and self._task is not None:
            self._task.uncancel()
        return self._cancelled

    async def write(self, message: Any) -> None:
        self._writing = True
        try:
            await self._context.write(message)
        finally:
            self._writing = False
        if self._ending:
            raise _draining()


def _draining() -> Unavailable:
    return Unavailable(
        "The server is being stopped; connect again and resume from the last token.",
        reason="SERVER_DRAINING",
        retry_after_seconds=1,
    )
