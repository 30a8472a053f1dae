"""One running process of the suite: started with a log, tied to us, stopped with patience."""

import os
import signal
import subprocess
import time
from pathlib import Path

from omniscope_local.die_with_parent import die_with_parent
from omniscope_local.programs import Program

LOG_BYTES = 10 * 1024 * 1024


class Process:
    """A program that was started; it dies with the thread that started it.

    Args:
        program: What to start.
        logs: Folder of its log `<name>.log`, which takes its standard output and error.

    Attributes:
        program: What was started.
        log: Its log.
        started: `time.monotonic()` of the start.
    """

    def __init__(self, program: Program, logs: Path) -> None:
        self.program = program
        self.log = logs / f"{program.name}.log"
        _rotate(self.log)
        self.started = time.monotonic()
        with self.log.open("ab") as output:
            self._offset = output.tell()
            self._process = subprocess.Popen(
                die_with_parent(program.command, os.getpid()),
                env={**os.environ, **program.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is for the suite, which stops them in order
            )

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Exit code; None while it runs."""
        return self._process.poll()

    def request_stop(self) -> None:
        """Ask it to end."""
        if self.exit_code is None:
            self._process.send_signal(signal.SIGTERM)

    def wait_stopped(self, seconds: float) -> bool:
        """Wait for its end; kill it when that takes longer. Return whether it ended by itself."""
        try:
            self._process.wait(max(seconds, 0.0))
        except subprocess.TimeoutExpired:
            self.kill()
            return False
        return True

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()

    def last_log_line(self) -> str:
        """Return the last line that this run has logged."""
        with self.log.open("rb") as log:
            log.seek(self._offset)
            lines = log.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it logged nothing"


def _rotate(log: Path) -> None:
    """Keep a log from growing for ever: one old file of at most this size stays."""
    if log.is_file() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
