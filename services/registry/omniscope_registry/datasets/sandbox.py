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
_OFFSET_OF_ARGUMENTS: Final = 16
# On x86 a second set of numbers (x32) begins here.
_FOREIGN_NUMBERS: Final = 0x40000000

_ARCHITECTURES: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

# Numbers on x86_64 and on aarch64.
_FORBIDDEN: Final = {
    "socket": (41, 198),
    "connect": (42, 203),
    "bind": (49, 200),
    "io_uring_setup": (425, 425),  # It can do all that sockets do.
    "execve": (59, 221),
    "execveat": (322, 281),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
}
# The first argument names a process. A process must reach itself: `abort` is a signal.
_SIGNALS: Final = {
    "kill": (62, 129),
    "tkill": (200, 130),
    "tgkill": (234, 131),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
}
# The same, but here 0 is the caller and not its group.
_SETTINGS: Final = {
    "prlimit64": (302, 261),  # A limit of processor time ends who has it.
    "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119),
    "sched_setaffinity": (203, 122),
    "sched_setattr": (314, 274),
}
# Commands, the second argument, that make the kernel signal whom they name: F_SETOWN and
# F_SETOWN_EX; FIOSETOWN and SIOCSPGRP.
_COMMANDS: Final = {
    "fcntl": ((72, 25), (8, 15)),
    "ioctl": ((16, 29), (0x8901, 0x8902)),
}


def forbid_system_calls() -> None:
    """Make the calls for network, programs and other processes fail with EPERM, for good.

    Must be called while the process has one thread.

    Raises:
        OSError: The kernel refuses the filter.
    """
    if sys.platform != "linux" or platform.machine() not in _ARCHITECTURES:
        return
    program = filter_program(platform.machine(), os.getpid())
    code = ctypes.create_string_buffer(program, len(program))
    described = _FilterProgram(len(program) // 8, ctypes.addressof(code))
    _prctl(_SET_NO_NEW_PRIVILEGES, 1, 0)
    _prctl(_SET_SECCOMP, _FILTER_MODE, ctypes.addressof(described))


def filter_program(machine: str, process: int) -> bytes:
    """Return the filter for a processor: instructions of 8 bytes each.

    Args:
        machine: `x86_64` or `aarch64`.
        process: The process that may still be signalled, which is the filtered one itself.
    """
    place = list(_ARCHITECTURES).index(machine)
    return b"".join(
        [
            _instruction(_LOAD, _OFFSET_OF_ARCHITECTURE),
            _instruction(_JUMP_IF_EQUAL, _ARCHITECTURES[machine], then=1),
            _instruction(_RETURN, _REFUSE),
            _instruction(_LOAD, _OFFSET_OF_NUMBER),
            _instruction(_JUMP_IF_AT_LEAST, _FOREIGN_NUMBERS, otherwise=1),
            _instruction(_RETURN, _REFUSE),
            *(_at(numbers[place], [_REFUSED]) for numbers in _FORBIDDEN.values()),
            *(_at(numbers[place], _only(0, (process,))) for numbers in _SIGNALS.values()),
            *(_at(numbers[place], _only(0, (0, process))) for numbers in _SETTINGS.values()),
            *(_at(numbers[place], _none_of(1, named)) for numbers, named in _COMMANDS.values()),
            _ALLOWED,
        ]
    )


class _FilterProgram(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def _at(number: int, decision: list[bytes]) -> bytes:
    """Return what decides about one call and skips itself for all others."""
    return b"".join([_instruction(_JUMP_IF_EQUAL, number, otherwise=len(decision)), *decision])


def _only(argument: int, values: tuple[int, ...]) -> list[bytes]:
    """Decide by the lower half of an argument, which is all that the kernel reads of these."""
    return [*_compare(argument, values), _REFUSED, _ALLOWED]


def _none_of(argument: int, values: tuple[int, ...]) -> list[bytes]:
    return [*_compare(argument, values), _ALLOWED, _REFUSED]


def _compare(argument: int, values: tuple[int, ...]) -> list[bytes]:
    """Skip the next instruction where the argument is one of the values."""
    return [
        _instruction(_LOAD, _OFFSET_OF_ARGUMENTS + 8 * argument),
        *(
            _instruction(_JUMP_IF_EQUAL, value, then=len(values) - place)
            for place, value in enumerate(values)
        ),
    ]


def _instruction(code: int, operand: int, *, then: int = 0, otherwise: int = 0) -> bytes:
    """Encode an instruction; a jump skips `then` others when its condition holds."""
    return struct.pack("HBBI", code, then, otherwise, operand)


_ALLOWED: Final = _instruction(_RETURN, _ALLOW)
_REFUSED: Final = _instruction(_RETURN, _REFUSE)


def _prctl(option: int, value: int, address: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(address), 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
