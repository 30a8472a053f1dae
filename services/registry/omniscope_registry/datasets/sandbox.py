"""Takes from a process what a reader of files never needs: network, programs, other processes.

Only on Linux, by seccomp, which needs no privilege; elsewhere there are the limits of `gate`.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from typing import Final

_SET_NO_NEW_PRIVILEGES: Final = 38
_SET_SECCOMP: Final = 22
_FILTER_MODE: Final = 2
_ALLOW: Final = 0x7FFF0000
_REFUSE: Final = 0x00050000 | errno.EPERM

# Instructions of the kernel's packet filter: load a word, jump, return.
_LOAD: Final = 0x20
_JUMP_IF_EQUAL: Final = 0x15
_JUMP_IF_AT_LEAST: Final = 0x35
_RETURN: Final = 0x06
_OFFSET_OF_NUMBER: Final = 0
_OFFSET_OF_ARCHITECTURE: Final = 4
# On x86 a second set of numbers begins here.
_FOREIGN_NUMBERS: Final = 0x40000000

# socket, connect, bind, execve, execveat, ptrace, process_vm_readv, process_vm_writev, kill,
# io_uring_setup (which can do all that sockets do).
_FORBIDDEN: Final = {
    "x86_64": (0xC000003E, (41, 42, 49, 59, 322, 101, 310, 311, 62, 425)),
    "aarch64": (0xC00000B7, (198, 203, 200, 221, 281, 117, 270, 271, 129, 425)),
}


def forbid_system_calls() -> None:
    """Make the calls for network, programs and other processes fail with EPERM, for good.

    Must be called while the process has one thread.

    Raises:
        OSError: The kernel refuses the filter.
    """
    if sys.platform != "linux" or platform.machine() not in _FORBIDDEN:
        return
    architecture, numbers = _FORBIDDEN[platform.machine()]
    program = _program(architecture, numbers)
    code = ctypes.create_string_buffer(program, len(program))
    filter_program = _FilterProgram(len(program) // 8, ctypes.addressof(code))
    _prctl(_SET_NO_NEW_PRIVILEGES, 1, 0)
    _prctl(_SET_SECCOMP, _FILTER_MODE, ctypes.addressof(filter_program))


class _FilterProgram(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def _program(architecture: int, numbers: tuple[int, ...]) -> bytes:
    return b"".join(
        [
            _instruction(_LOAD, _OFFSET_OF_ARCHITECTURE),
            _instruction(_JUMP_IF_EQUAL, architecture, then=1),
            _instruction(_RETURN, _REFUSE),
            _instruction(_LOAD, _OFFSET_OF_NUMBER),
            _instruction(_JUMP_IF_AT_LEAST, _FOREIGN_NUMBERS, then=len(numbers) + 1),
            *(
                _instruction(_JUMP_IF_EQUAL, number, then=len(numbers) - place)
                for place, number in enumerate(numbers)
            ),
            _instruction(_RETURN, _ALLOW),
            _instruction(_RETURN, _REFUSE),
        ]
    )


def _instruction(code: int, operand: int, *, then: int = 0) -> bytes:
    """Encode an instruction; a jump skips `then` instructions when its condition holds."""
    return struct.pack("HBBI", code, then, 0, operand)


def _prctl(option: int, value: int, address: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(address), 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
