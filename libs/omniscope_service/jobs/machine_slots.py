"""Slots that all workers of a machine share, whichever service's: trainings do not compete then.

A slot is a lock on a file, which the kernel releases however its worker ends. One worker at a
time waits for a slot, and holds one more lock meanwhile, for which all others wait: whoever has
just had a slot cannot overtake one that waits.
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


class MachineSlots:
    """Slots in a folder that the workers of a machine have in common.

    Args:
        folder: Where the locks lie.
        count: How many there are; 0: no limit.
    """

    def __init__(self, folder: Path, count: int) -> None:
        self._next = folder / "next.lock"
        self._slots = [folder / f"{number}.lock" for number in range(count)]

    @asynccontextmanager
    async def slot(
        self, stop: asyncio.Event, before_wait: Callable[[], Awaitable[None]]
    ) -> AsyncIterator[bool]:
        """Wait for a slot and hold it for the body, which is given whether one was acquired.

        Args:
            stop: Ends the wait: there is none then.
            before_wait: Called once when no slot is free at once.
        """
        if not self._slots:
            yield True
            return
        with ExitStack() as held:
            with ExitStack() as turn:
                acquired = _lock(self._next, turn) and _lock_one(self._slots, held)
            if not acquired:
                await before_wait()
                with ExitStack() as turn:
                    is_next = await _locked([self._next], turn, stop)
                    acquired = is_next and await _locked(self._slots, held, stop)
            yield acquired


async def _locked(paths: Sequence[Path], held: ExitStack, stop: asyncio.Event) -> bool:
    """Wait until one of the files could be locked; false when `stop` came first."""
    while not stop.is_set():
        if _lock_one(paths, held):
            return True
        await asyncio.sleep(_LOOK_SECONDS)
    return False


def _lock_one(paths: Sequence[Path], held: ExitStack) -> bool:
    return any(_lock(path, held) for path in paths)


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
