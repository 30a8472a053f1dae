"""Stands between worker and child, so that no process of a job outlives its worker.

Run by path with `python -I -S`: needs the standard library alone. It leads a session of its own,
adopts every orphan below it (Linux), starts the given command, passes SIGTERM and SIGUSR1 on, and
kills the whole tree when the command has ended or when the lifeline is closed: a pipe whose other
end only the worker holds, so that the kernel closes it however the worker dies.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
KILLED_BY_SIGNAL = 128
"""Exit status of a command that a signal ended is this number plus the signal's."""
PASSED_ON = frozenset({signal.SIGTERM, signal.SIGUSR1})
"""Signals for the command: to end, and to finish with what it has."""
_PROC = Path("/proc")
_REAP_SECONDS = 0.002


def supervise(lifeline: int, frames: int, output: int, command: list[str]) -> int:
    """Run a command until it ends or the lifeline is closed; return its exit status.

    Args:
        lifeline: Descriptor that becomes readable when the worker has gone.
        frames: Descriptor that the command inherits, to write frames to.
        output: Descriptor that becomes the command's stdout and stderr.
        command: Program and arguments; it inherits stdin.
    """
    _adopt_orphans()
    wakeup = _wake_on_signals()
    child = subprocess.Popen(command, stdout=output, stderr=output, pass_fds=(frames,))
    _close_ends(frames, output)
    while child.poll() is None:
        ready, _, _ = select.select([lifeline, wakeup], [], [])
        if lifeline in ready:
            break
        for number in PASSED_ON.intersection(os.read(wakeup, 64)):
            child.send_signal(number)
    _kill_tree(child)
    return child.returncode if child.returncode >= 0 else KILLED_BY_SIGNAL - child.returncode


def _adopt_orphans() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _wake_on_signals() -> int:
    """Return a descriptor from which the number of each signal that comes can be read."""
    wakeup, written = os.pipe()
    os.set_blocking(written, False)
    signal.set_wakeup_fd(written)
    for number in PASSED_ON | {signal.SIGCHLD}:
        signal.signal(number, lambda _number, _frame: None)
    return wakeup


def _close_ends(frames: int, output: int) -> None:
    """Close what only the child uses, so that the worker sees the end of its pipes."""
    with open(os.devnull) as nothing:  # noqa: PTH123
        os.dup2(nothing.fileno(), sys.stdin.fileno())
    os.close(frames)
    os.close(output)


def _kill_tree(child: subprocess.Popen[bytes]) -> None:
    """Kill every descendant of this process and wait until none is left."""
    while True:
        below = _descendants(os.getpid())
        for pid in below:
            _kill(pid)
        if child.poll() is not None and not below:
            return
        for pid in below - {child.pid}:
            _reap(pid)
        time.sleep(_REAP_SECONDS)


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):  # it ended between the look and the shot
        os.kill(pid, signal.SIGKILL)


def _reap(pid: int) -> None:
    with suppress(ChildProcessError):  # not ours yet; it will be when its parent is dead
        os.waitpid(pid, os.WNOHANG)


def _descendants(root: int) -> set[int]:
    """Return every process below `root`, those that left its session included."""
    parents = _parents()
    found: set[int] = set()
    while more := {pid for pid, parent in parents.items() if parent in found | {root}} - found:
        found |= more
    return found


def _parents() -> dict[int, int]:
    """Return the parent of every process."""
    if not (_PROC / "self" / "stat").exists():
        listing = subprocess.check_output(["ps", "-axo", "pid=,ppid="], text=True)
        return {int(pid): int(parent) for pid, parent in map(str.split, listing.splitlines())}
    parents = {}
    for folder in _PROC.iterdir():
        if folder.name.isdecimal():
            try:
                # The name in parentheses may hold anything; state and parent come after it.
                stat = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it ended meanwhile
            parents[int(folder.name)] = int(stat[1])
    return parents


if __name__ == "__main__":
    _lifeline, _frames, _output = map(int, sys.argv[1:4])
    sys.exit(supervise(_lifeline, _frames, _output, sys.argv[4:]))
