"""The suite itself: starts every process, keeps them running, stops them in order."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Literal, NoReturn

from omniscope_client.errors import OmniscopeError
from omniscope_local.process import Process
from omniscope_local.programs import Program
from omniscope_local.state import ProcessState, remove_state, write_state

START_SECONDS = 60.0
PROBE_SECONDS = 0.05
WATCH_SECONDS = 0.5
# A process that ends by itself more often than this within the time is broken, not unlucky.
RESTARTS = 5
RESTART_WINDOW_SECONDS = 60.0

Event = Literal["starting", "running", "serving", "restarted", "stopping", "stopped", "killed"]


@dataclass(frozen=True)
class Report:
    """Something that happened to a process of the suite.

    Attributes:
        name: The process.
        event: What happened; `running` is for processes that have no address to answer at.
        address: Where it answers; empty for a process that only works.
        seconds: How long it took.
    """

    name: str
    event: Event
    address: str = ""
    seconds: float = 0.0


class Suite:
    """Processes that live and end together.

    Use it from the main thread: its processes die with the thread that started them.

    Args:
        home: Home of the suite; it must be locked, see `home.lock_home`.
        programs: What to run, in the order of starting.
        report: Called with what happens.
    """

    def __init__(
        self, home: Path, programs: Sequence[Program], report: Callable[[Report], None]
    ) -> None:
        self._home = home
        self._programs = programs
        self._report = report
        self._processes: dict[str, Process] = {}
        self._ends: dict[str, deque[float]] = {
            program.name: deque(maxlen=RESTARTS) for program in programs
        }
        self._restarts = dict.fromkeys(self._ends, 0)

    def start(self) -> None:
        """Start everything at once and return when all of it answers.

        Raises:
            OmniscopeError: Reason START_FAILED, with the last line of the log, when a process ends
                or does not answer within 60 s.
        """
        for program in self._programs:
            self._launch(program)
        waiting = [process for process in self._processes.values() if process.program.address]
        deadline = time.monotonic() + START_SECONDS
        while waiting:
            time.sleep(PROBE_SECONDS)
            waiting = [process for process in waiting if not self._is_serving(process)]
            if waiting and time.monotonic() > deadline:
                raise _failed(waiting[0], f"did not answer within {START_SECONDS:g} s")

    def watch(self) -> NoReturn:
        """Start processes again that end by themselves; it returns by an exception only.

        Raises:
            OmniscopeError: Reason PROCESS_FAILED, when one ends too often.
        """
        while True:
            time.sleep(WATCH_SECONDS)
            for process in list(self._processes.values()):
                if process.exit_code is not None:
                    self._restart(process)

    def stop(self) -> None:
        """End everything, stage by stage. What does not end by itself is killed. Idempotent."""
        by_stage = sorted(self._processes.values(), key=lambda p: p.program.stop_stage)
        for _, stage in groupby(by_stage, key=lambda p: p.program.stop_stage):
            self._stop_stage(list(stage))
        self._processes.clear()
        remove_state(self._home)

    def kill(self) -> None:
        """End everything at once."""
        for process in self._processes.values():
            process.kill()
        self._processes.clear()
        remove_state(self._home)

    def _launch(self, program: Program) -> None:
        logs = self._home / "logs"
        logs.mkdir(exist_ok=True)
        self._processes[program.name] = Process(program, logs)
        self._report(
            Report(program.name, "starting" if program.address else "running", program.address)
        )
        self._write_state()

    def _is_serving(self, process: Process) -> bool:
        """Whether a process answers now; report it when it does."""
        if process.exit_code is not None:
            raise _failed(process, f"ended with code {process.exit_code}")
        if not process.program.answers():
            return False
        seconds = time.monotonic() - process.started
        self._report(Report(process.program.name, "serving", process.program.address, seconds))
        return True

    def _restart(self, process: Process) -> None:
        name, now = process.program.name, time.monotonic()
        ends = self._ends[name]
        if len(ends) == RESTARTS and now - ends[0] < RESTART_WINDOW_SECONDS:
            raise OmniscopeError(
                "INTERNAL",
                f"{name} ended {RESTARTS + 1} times within {RESTART_WINDOW_SECONDS:g} s: "
                f"{process.last_log_line()} (see {process.log})",
                reason="PROCESS_FAILED",
            )
        ends.append(now)
        self._restarts[name] += 1
        self._launch(process.program)
        self._report(Report(name, "restarted", process.program.address))

    def _stop_stage(self, stage: list[Process]) -> None:
        for process in stage:
            self._report(Report(process.program.name, "stopping"))
            process.request_stop()
        started = time.monotonic()
        for process in stage:
            left = process.program.stop_seconds - (time.monotonic() - started)
            ended = process.wait_stopped(left)
            seconds = time.monotonic() - started
            event: Event = "stopped" if ended else "killed"
            self._report(Report(process.program.name, event, seconds=seconds))

    def _write_state(self) -> None:
        write_state(
            self._home,
            (
                (
                    name,
                    ProcessState(
                        pid=process.pid,
                        address=process.program.address,
                        log=str(process.log),
                        restarts=self._restarts[name],
                        description=process.program.description,
                    ),
                )
                for name, process in self._processes.items()
            ),
        )


def _failed(process: Process, what: str) -> OmniscopeError:
    return OmniscopeError(
        "INTERNAL",
        f"{process.program.name} {what}: {process.last_log_line()} (see {process.log})",
        reason="START_FAILED",
    )
