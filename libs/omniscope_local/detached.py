"""A suite in the background: started as its own process, followed until it answers, stopped."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from omniscope_client.errors import OmniscopeError
from omniscope_local.home import make_home, running_pid
from omniscope_local.runner import run_suite
from omniscope_local.state import remove_state
from omniscope_local.suite import Report

STOP_SECONDS = 90.0
POLL_SECONDS = 0.05


def start_detached(home: Path, report: Callable[[Report], None], *, free_ports: bool) -> None:
    """Start a suite that outlives this process and return when all of it answers.

    Args:
        home: Home of the suite.
        report: Called with what happens meanwhile.
        free_ports: Take free ports whatever the environment says.

    Raises:
        OmniscopeError: As `run_suite` does.
    """
    process = _spawn(home, free_ports)
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if _take(json.loads(line), report):
                return
    except BaseException:
        process.terminate()
        process.wait()
        raise
    raise OmniscopeError(
        "INTERNAL",
        f"The suite ended with code {process.wait()} before it had started: see {_log(home)}.",
        reason="START_FAILED",
    )


def serve_detached(home: Path, *, free_ports: bool) -> None:
    """Be the process that `start_detached` starts: report the start to it, the rest to the log."""
    reporter = StartReporter()
    try:
        run_suite(home, reporter.report, reporter.ready, free_ports=free_ports)
    except OmniscopeError as error:
        reporter.fail(error)
        sys.exit(f"error: {error}")


class StartReporter:
    """Reports of a suite: to the starting process on standard output, later to the log."""

    def __init__(self) -> None:
        self._started = False

    def report(self, event: Report) -> None:
        """Report an event of a process."""
        if self._started:
            moment = datetime.now(UTC).isoformat(timespec="seconds")
            sys.stderr.write(f"{moment} {event.name} {event.event}\n")
        else:
            self._send("report", asdict(event))

    def ready(self) -> None:
        """Report that everything answers, and detach from the starting process."""
        self._send("ready", True)
        self._started = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def fail(self, error: OmniscopeError) -> None:
        """Report why there is no suite."""
        names = ("code", "message", "reason", "field")
        self._send("error", {name: getattr(error, name) for name in names})

    def _send(self, kind: str, content: object) -> None:
        sys.stdout.write(json.dumps({kind: content}) + "\n")
        sys.stdout.flush()


def stop_suite(home: Path) -> bool:
    """Stop the suite of a home, whoever runs it; return whether there was one.

    One that has not stopped after 90 s is killed, and the kernel takes its processes along.
    """
    pid = running_pid(home)
    if pid is None:
        remove_state(home)  # of one that was killed
        return False
    _signal(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while running_pid(home) == pid:
        if time.monotonic() > deadline:
            _signal(pid, signal.SIGKILL)
        time.sleep(POLL_SECONDS)
    remove_state(home)
    return True


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # it has just ended by itself
        os.kill(pid, number)


def _spawn(home: Path, free_ports: bool) -> subprocess.Popen[str]:
    options = ["--free-ports"] if free_ports else []
    make_home(home)
    log = _log(home)
    log.parent.mkdir(exist_ok=True)
    with log.open("a") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "omniscope_local", str(home), *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=output,
            start_new_session=True,
            text=True,
        )


def _take(line: dict[str, object], report: Callable[[Report], None]) -> bool:
    """Handle one line of the starting suite; return whether it is ready."""
    match line:
        case {"report": dict(fields)}:
            report(Report(**fields))
        case {"error": dict(fields)}:
            message, code = fields.pop("message"), fields.pop("code")
            raise OmniscopeError(code, message, **fields)
    return "ready" in line


def _log(home: Path) -> Path:
    return home / "logs" / "suite.log"
