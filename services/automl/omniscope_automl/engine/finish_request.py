"""Ends a search at a limit with the models that are finished by then.

AutoGluon cannot be asked for what it has. A callback can leave models out, but interrupt none. An
exception ends one model only while its `fit` runs, where `AbstractTabularTrainer._train_and_save`
handles it; anywhere else it ends the whole search, and every model is lost. And CatBoost makes a
KeyboardInterrupt of whatever a signal handler raises, which AutoGluon does not take for the end of
a model.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

from autogluon.core.models import AbstractModel
from autogluon.core.utils.exceptions import TimeLimitExceeded
from autogluon.tabular.trainer.abstract_trainer import AbstractTabularTrainer

from omniscope_automl.engine.finished_models import SEARCHED_STACK
from omniscope_automl.engine.replaced import replaced

# Half a report, half a log line or half an imported module would be worse than a moment more; and
# what is raised where a weak reference dies is lost.
_NEVER_INTERRUPTED: Final = (
    *("omniscope_automl", "omniscope_service", "logging", "importlib"),
    *("weakref", "_weakrefset"),
)
_REPEATED_SECONDS: Final = 1.0


class FinishRequest:
    """Whether the search was asked to make do with what it has.

    The request interrupts the model that is being fitted, at once or as soon as that is possible,
    but no ensemble of finished models: these take no time and are what the search is for.

    Attributes:
        asked: True from then on; no model should be begun.
    """

    def __init__(self) -> None:
        self.asked = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the worker's signal as the request, for the time of a training."""
        over = threading.Event()
        repeating = threading.Thread(target=self._repeat, args=(over,), daemon=True)
        with replaced(AbstractModel, "fit", self._interruptible(AbstractModel.fit)):
            before = signal.signal(signal.SIGUSR1, self._ask)
            repeating.start()
            try:
                yield
            finally:
                over.set()
                repeating.join()
                signal.signal(signal.SIGUSR1, before)

    def _ask(self, _number: int, frame: FrameType | None) -> None:
        self.asked = True
        if _fits_a_model(frame):
            raise TimeLimitExceeded

    def _repeat(self, over: threading.Event) -> None:
        """Repeat the request: the first may come before a fit, or be swallowed by a library."""
        main = threading.main_thread().ident
        assert main is not None, "the main thread runs as long as the process"
        while not over.wait(_REPEATED_SECONDS):
            if self.asked:
                signal.pthread_kill(main, signal.SIGUSR1)

    def _interruptible(self, fit: Callable[..., Any]) -> Callable[..., Any]:
        def interruptible_fit(model: Any, **arguments: Any) -> Any:
            try:
                return fit(model, **arguments)
            except KeyboardInterrupt as error:
                if not self.asked:
                    raise
                raise TimeLimitExceeded from error

        return interruptible_fit


def _fits_a_model(frame: FrameType | None) -> bool:
    """Return whether AutoGluon fits a model in this frame, and handles the exceptions of that."""
    fitting = False
    while frame is not None:
        if frame.f_code is AbstractTabularTrainer._train_and_save.__code__:  # noqa: SLF001
            return fitting and frame.f_locals["stack_name"] == SEARCHED_STACK
        if frame.f_code is AbstractModel.fit.__code__:
            fitting = True
        elif frame.f_globals.get("__name__", "").startswith(_NEVER_INTERRUPTED):
            return False
        frame = frame.f_back
    return False
