"""Runs a suite as part of this process, and stops it however that ends."""

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from omniscope_client.errors import OmniscopeError
from omniscope_local.home import lock_home
from omniscope_local.ports import choose_ports
from omniscope_local.programs import suite_programs
from omniscope_local.suite import Report, Suite
from omniscope_local.tokens import ensure_tokens
from omniscope_suite.entry import ServiceEntry
from omniscope_suite.services import service_entries

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def suite_running(
    home: Path, report: Callable[[Report], None], *, free_ports: bool = False
) -> Iterator[Suite]:
    """Start a suite and stop it at the end of the block, however that ends.

    SIGINT, SIGTERM and SIGHUP end the block with KeyboardInterrupt; one that comes while the suite
    stops kills it. Use it from the main thread: the processes die with the thread that started
    them.

    Args:
        home: Home of the suite, made with its tokens when they are missing.
        report: Called with what happens.
        free_ports: Take free ports whatever the environment says.

    Raises:
        OmniscopeError: The suite cannot start; by then all of it has been stopped.
    """
    with lock_home(home), _interrupted_by_signals():
        ensure_tokens(home)
        services = _installed_services()
        ports = choose_ports([service.name for service in services], free=free_ports)
        suite = Suite(home, suite_programs(home, ports, services), report)
        try:
            suite.start()
            yield suite
        finally:
            _stop(suite)


def run_suite(
    home: Path,
    report: Callable[[Report], None],
    on_ready: Callable[[], None],
    *,
    free_ports: bool = False,
) -> None:
    """Run a suite until a signal comes, see `suite_running`.

    Args:
        home: Home of the suite.
        report: Called with what happens.
        on_ready: Called once everything answers.
        free_ports: Take free ports whatever the environment says.

    Raises:
        OmniscopeError: The suite cannot start, or a process of it keeps ending; by then all of it
            has been stopped.
    """
    with suppress(KeyboardInterrupt), suite_running(home, report, free_ports=free_ports) as suite:
        on_ready()
        suite.watch()


def _installed_services() -> Sequence[ServiceEntry]:
    try:
        return service_entries()
    except LookupError as error:
        raise OmniscopeError(
            "FAILED_PRECONDITION", f"The suite cannot start: {error}.", reason="SERVICES_INVALID"
        ) from error


def _stop(suite: Suite) -> None:
    try:
        suite.stop()
    except KeyboardInterrupt:
        suite.kill()
        raise


@contextmanager
def _interrupted_by_signals() -> Iterator[None]:
    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
