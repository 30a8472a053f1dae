"""Looks at a child's processes from the worker: what they hold, and which are left."""

import os
from contextlib import suppress

import psutil

MARK = "TRAINING_PROCESS_TREE"
"""Variable that every process of a child inherits, also one that left its session."""


def memory_bytes(root: int) -> int:
    """Return the resident memory of all processes below a process; pages shared count for each."""
    total = 0
    with suppress(psutil.NoSuchProcess):
        for process in psutil.Process(root).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                total += process.memory_info().rss
    return total


def wait_for_end(root: int, seconds: float) -> None:
    """Wait until a child's tree has ended, at most so long; another process is not waited for."""
    with suppress(psutil.Error):
        process = psutil.Process(root)
        # In a container that was started again the number may be that of a child of our own.
        if MARK in process.environ() and process.ppid() != os.getpid():
            process.wait(seconds)


def kill_marked(mark: str) -> None:
    """Kill every process that carries a mark.

    For the case that somebody killed the supervisor itself: what it would have killed belongs to
    no tree any more.
    """
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(MARK) == mark:
                process.kill()
