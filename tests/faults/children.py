"""Looks after the processes of trainings, so that one which outlives its attempt is noticed."""

import asyncio
from contextlib import suppress
from pathlib import Path

import psutil

from tests.faults.history import Entry, History

PATIENCE_SECONDS = 30.0


class Children:
    """Processes that the fake trainer has entered into the history, and their ends.

    Args:
        home: Tells one cluster's processes from another's: children get it as TMPDIR.
        history: Where they enter themselves.
    """

    def __init__(self, home: Path, history: History) -> None:
        self._home = home
        self._history = history
        self._alive: dict[tuple[int, float], Entry] = {}
        self._read = 0

    def look(self) -> None:
        """Note what has ended since the last look."""
        entries, self._read = self._history.since(self._read)
        for entry in entries:
            if entry["what"] == "child":
                self._alive[entry["pid"], entry["born"]] = entry
        for pid, born in list(self._alive):
            if not is_alive(pid, born):
                del self._alive[pid, born]
                self._history.add("gone", pid=pid, born=born)

    def of(self, job_id: str) -> list[psutil.Process]:
        """Return the living processes of a job."""
        self.look()
        found = [entry["pid"] for entry in self._alive.values() if entry["job_id"] == job_id]
        return [psutil.Process(pid) for pid in found]

    def idle_or_training(self) -> list[psutil.Process]:
        """Return every child and supervisor of this cluster, those without a job included."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if "tests.faults.trainer" in process.cmdline() and self._is_ours(process):
                    found.append(process)
        return found

    async def wait_until_gone(self) -> None:
        """Wait for the end of all; those that do not end stay in the history without one."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                self.look()
                while self._alive:
                    await asyncio.sleep(0.05)
                    self.look()

    def _is_ours(self, process: psutil.Process) -> bool:
        return process.environ().get("TMPDIR") == str(self._home)


def is_alive(pid: int, born: float) -> bool:
    """Tell whether this very process, and no later one of its number, still runs."""
    try:
        process = psutil.Process(pid)
        return process.create_time() == born and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
