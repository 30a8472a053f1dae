"""Ends a search at a limit with the models that are finished by then."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class FinishRequest:
    """Whether the search was asked to make do with what it has.

    Attributes:
        asked: True from then on.
    """

    def __init__(self) -> None:
        self.asked = False
        self._fitting = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the worker's signal as the request, for the time of a search."""
        before = signal.signal(signal.SIGUSR1, self._ask)
        try:
            yield
        finally:
            signal.signal(signal.SIGUSR1, before)

    def begin_model(self) -> None:
        """Note that AutoGluon fits a model from now on, which the request interrupts."""
        self._fitting = True

    def end_model(self) -> None:
        """Note that it fits none now: an exception would end the whole search."""
        self._fitting = False

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        from autogluon.core.utils.exceptions import TimeLimitExceeded

        self.asked = True
        if self._fitting:
            self._fitting = False
            raise TimeLimitExceeded
