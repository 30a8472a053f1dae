"""Confines a process to one folder: it writes nowhere else, and looks into no other process.

By Landlock, which needs no privilege. It takes what `sandbox` cannot, for that knows no paths: the
memory, the environment and the open files of other processes are files, too. A process of root may
still read an environment.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

# Numbers of the kernel's calls, the same on all processors.
_CREATE_RULESET: Final = 444
_ADD_RULE: Final = 445
_RESTRICT_SELF: Final = 446
_ASK_FOR_VERSION: Final = 1
_PATH_BENEATH: Final = 1

# Writing, removing and making files of all kinds; shortening them by name is a right of its own.
_WRITE: Final = 1 << 1 | sum(1 << right for right in range(4, 13))
_TRUNCATE: Final = 1 << 14
_TRUNCATE_SINCE: Final = 3
# Signals to processes outside, and sockets without a file.
_OUTSIDE: Final = 0b11
_OUTSIDE_SINCE: Final = 6


def landlock_version() -> int:
    """Return which version of Landlock the kernel has; 0: none."""
    if sys.platform != "linux":
        return 0
    try:
        return _call(_CREATE_RULESET, None, 0, _ASK_FOR_VERSION)
    except OSError as error:
        if error.errno in (errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM):
            return 0
        raise


def confine_to(folder: Path) -> None:
    """Make writing outside of a folder and reaching into other processes fail, for good.

    Does nothing where the kernel has no Landlock (before Linux 5.13). Signals to other processes
    fail from Linux 6.12 on. Must be called while the process has one thread, and after it has
    given up new privileges.

    Raises:
        OSError: The kernel refuses.
    """
    version = landlock_version()
    if not version:
        return
    rights = _WRITE | (_TRUNCATE if version >= _TRUNCATE_SINCE else 0)
    ruleset = _ruleset(rights, _OUTSIDE if version >= _OUTSIDE_SINCE else None)
    place = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _call(_ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", rights, place), 0)
        _call(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(place)
        os.close(ruleset)


def _ruleset(rights: int, scoped: int | None) -> int:
    """Return a descriptor of rules that forbid what no rule allows; older kernels know less."""
    network = 0
    rules = struct.pack("=Q", rights)
    if scoped is not None:
        rules += struct.pack("=QQ", network, scoped)
    return _call(_CREATE_RULESET, rules, len(rules), 0)


def _call(number: int, *arguments: int | bytes | None) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    given = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result: int = libc.syscall(ctypes.c_long(number), *given)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
