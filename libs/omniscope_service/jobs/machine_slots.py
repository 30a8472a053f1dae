"""Slots that all workers of a machine share, whichever service's: trainings do not compete then.

A slot is a lock on a file, which the kernel releases however its worker ends. One worker at a
time waits at the slots and all others at the turnstile before it: whoever has just had a slot
cannot overtake one that waits.
"""

from __future__ import annotations

import asyncio
import fcntl
from contextlib import ExitStack, asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from pathlib import Path

_LOOK_SECONDS = 0.1
_KEEP_SECONDS = 10.0


class MachineSlots:
    """Slots in a folder that the workers of a machine have in common.

    Args:
        folder: Where the locks lie.
        count: How many there are; 0: no limit.
    """

    def __init__(self, folder: Path, count: int) -> None:
        self._turnstile = folder / "turnstile.lock"
        self._slots = [folder / f"{number}.lock" for number in range(count)]

    @asynccontextmanager
    async def slot(
        self, stop: asyncio.Event, keep_alive: Callable[[], Awaitable[None]]
    ) -> AsyncIterator[bool]:
        """Wait for a slot and hold it for the body, which is given whether one was acquired.

        Args:
            stop: Ends the wait: there is none then.
            keep_alive: Called again and again during the wait.
        """
        if not self._slots:
            yield True
            return
        with ExitStack() as held:
            with ExitStack() as waiting:
                at_slots = await _locked([self._turnstile], waiting, stop, keep_alive)
                acquired = at_slots and await _locked(self._slots, held, stop, keep_alive)
            yield acquired


async def _locked(
    paths: Sequence[Path],
    held: ExitStack,
    stop: asyncio.Event,
    keep_alive: Callable[[], Awaitable[None]],
) -> bool:
    """Wait until one of the files could be locked; false when `stop` came first."""
    loop = asyncio.get_running_loop()
    kept = loop.time()
    while not stop.is_set():
        if any(_lock(path, held) for path in paths):
            return True
        await asyncio.sleep(_LOOK_SECONDS)
        if loop.time() - kept > _KEEP_SECONDS:
            await keep_alive()
            kept = loop.time()
    return False


def _lock(path: Path, held: ExitStack) -> bool:
    """Lock a file for as long as `held` is; a lock asks for nothing that could take time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as opened:
        # Not inherited: a child that outlives its worker must not hold the slot.
        file = opened.enter_context(path.open("a"))
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        held.enter_context(opened.pop_all())
        return True
