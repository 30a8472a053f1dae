"""A process that dies with its parent: this script becomes the command after it asked for that.

Run by path with `python -I -S`, it needs the standard library alone and costs a few milliseconds;
then it is replaced by the command, so that no process stays in between.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1


def die_with_parent(command: Sequence[str], parent: int) -> list[str]:
    """Return `command` so that the kernel kills it when its parent dies, however that dies.

    The kernel watches the thread that starts the command: start it from one that lives as long as
    the process. Elsewhere than on Linux the command is left as it is.

    Args:
        command: Program and arguments; the program as an absolute path.
        parent: Process id of the process that will start it.
    """
    if sys.platform != "linux":
        return list(command)
    return [sys.executable, "-I", "-S", str(Path(__file__)), str(parent), *command]


def main() -> None:
    """Ask the kernel for a SIGKILL at the parent's death, then become the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the kernel knew
        sys.exit(1)
    os.execv(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main()
