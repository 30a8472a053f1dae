"""Requests to end a training: with what it has, or at once with a checkpoint."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

TERMINATED = 143
"""Exit status of a training that was asked to end: that of a process which SIGTERM ended."""


class StopRequest:
    """Requests of the worker's signals; a training looks for them between two chunks of batches.

    Attributes:
        finish: A limit is reached: make do with the best epoch so far.
        end: The job is cancelled or the worker stops: leave a checkpoint and end.
    """

    def __init__(self) -> None:
        self.finish = False
        self.end = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the signals for the time of a training."""
        before = {number: signal.getsignal(number) for number in (signal.SIGUSR1, signal.SIGTERM)}
        self.listen()
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def listen(self) -> None:
        """Take the signals, also back from a library that has taken them."""
        signal.signal(signal.SIGUSR1, self._finish)
        signal.signal(signal.SIGTERM, self._end)

    def _finish(self, _number: int, _frame: FrameType | None) -> None:
        self.finish = True

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self.end = True
