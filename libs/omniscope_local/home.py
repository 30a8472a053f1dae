"""The home of a suite: which folder it is, and who may run a suite in it."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from omniscope_client.connection import HOME_NAME, find_home
from omniscope_client.errors import OmniscopeError

LOCK_NAME = "suite.lock"
LOCK_ATTEMPTS = 10
LOCK_PAUSE_SECONDS = 0.02


def suite_home() -> Path:
    """Return the home to use: see `find_home`, else `.omniscope` in the working directory."""
    return find_home() or Path.cwd() / HOME_NAME


def make_home(home: Path) -> None:
    """Make a home that nobody else can look into; leave one that exists as it is."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)


@contextmanager
def lock_home(home: Path) -> Iterator[None]:
    """Lock a home for this process; the kernel releases it when the process ends, however.

    Raises:
        OmniscopeError: ALREADY_EXISTS, reason SUITE_RUNNING, when another process has it.
    """
    make_home(home)
    with (home / LOCK_NAME).open("a+") as lock:
        if not any(_attempts(lock.fileno())):
            raise OmniscopeError(
                "ALREADY_EXISTS",
                f"A suite runs in {home} already (process {running_pid(home) or 'unknown'}): see "
                "`omniscope status`, or stop it with `omniscope down`.",
                reason="SUITE_RUNNING",
            )
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def running_pid(home: Path) -> int | None:
    """Return the process id of the suite that holds a home; None when none does."""
    path = home / LOCK_NAME
    if not path.is_file():
        return None
    with path.open("r+") as lock:
        if _lock(lock.fileno()):
            return None  # and released it again
        return int(lock.read() or 0) or None


def _attempts(descriptor: int) -> Iterator[bool]:
    """Try for a moment: somebody who only looks holds the lock for an instant as well."""
    for _ in range(LOCK_ATTEMPTS):
        yield _lock(descriptor)
        time.sleep(LOCK_PAUSE_SECONDS)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
