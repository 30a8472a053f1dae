"""Runs a suite in this process until a signal ends it."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from omniscope_local.home import hold_home
from omniscope_local.ports import choose_ports
from omniscope_local.programs import suite_programs
from omniscope_local.suite import Report, Suite
from omniscope_local.tokens import ensure_tokens

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_suite(
    home: Path,
    report: Callable[[Report], None],
    on_ready: Callable[[], None],
    *,
    free_ports: bool = False,
) -> None:
    """Run a suite until SIGINT, SIGTERM or SIGHUP; a second signal ends it at once.

    Args:
        home: Home of the suite, made with its tokens when they are missing.
        report: Called with what happens.
        on_ready: Called once everything answers.
        free_ports: Take free ports whatever the environment says.

    Raises:
        OmniscopeError: The suite cannot start, or a process of it keeps ending; by then all of it
            has been stopped.
        KeyboardInterrupt: A second signal came.
    """
    with hold_home(home):
        ensure_tokens(home)
        programs = suite_programs(home, choose_ports(free=free_ports))
        suite = Suite(home, programs, report)
        with _stopped_by_signals(suite):
            try:
                suite.start()
                if not suite.stop_requested.is_set():
                    on_ready()
                suite.watch()
            finally:
                _stop(suite)


def _stop(suite: Suite) -> None:
    try:
        suite.stop()
    except KeyboardInterrupt:
        suite.kill()
        raise


@contextmanager
def _stopped_by_signals(suite: Suite) -> Iterator[None]:
    def on_signal(number: int, frame: FrameType | None) -> None:
        if suite.stop_requested.is_set():
            raise KeyboardInterrupt
        suite.stop_requested.set()

    before = {number: signal.signal(number, on_signal) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
