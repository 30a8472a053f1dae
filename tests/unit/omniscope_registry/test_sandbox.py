"""What the child that reads uploads can no longer do."""

import platform
import signal
import struct
import subprocess
import sys

import pytest

from omniscope_registry.datasets.confinement import landlock_version
from omniscope_registry.datasets.sandbox import filter_program

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"),
    reason="seccomp is Linux's, and its numbers are the processor's",
)


def _run(code):
    enter = (
        "from omniscope_registry.datasets.sandbox import forbid_system_calls as forbid; forbid()"
    )
    return subprocess.run(
        [sys.executable, "-c", f"{enter}\n{code}"], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("import socket; socket.socket()", id="open a connection"),
        pytest.param("import socket; socket.socket(socket.AF_UNIX)", id="open a local one"),
        pytest.param("import subprocess; subprocess.run(['true'])", id="run a program"),
        pytest.param("import os; os.execv('/bin/true', ['true'])", id="become a program"),
        pytest.param("import os; os.kill(os.getppid(), 0)", id="signal another process"),
    ],
)
def test_a_sandboxed_process_cannot(code):
    done = _run(code)

    assert done.returncode == 1
    assert "PermissionError: [Errno 1]" in done.stderr


# Numbers on x86_64 and on aarch64, and arguments that reach for the parent.
_REACHING = {
    "kill": (62, 129, ("parent", 0)),
    "kill its group": (62, 129, (0, 0)),
    "kill everything": (62, 129, (-1, 0)),
    "tkill": (200, 130, ("parent", 0)),
    "tgkill": (234, 131, ("parent", "parent", 0)),
    "tgkill by a wide number": (234, 131, ("wide_parent", "parent", 0)),
    "rt_sigqueueinfo": (129, 138, ("parent", 0, 0)),
    "rt_tgsigqueueinfo": (297, 240, ("parent", "parent", 0, 0)),
    "pidfd_send_signal": (424, 424, (-1, 0, 0, 0)),
    "pidfd_getfd": (438, 438, (-1, 0, 0)),
    "process_madvise": (440, 440, (-1, 0, 0, 0, 0)),
    "process_mrelease": (448, 448, (-1, 0)),
    "prlimit64": (302, 261, ("parent", 0, 0, 0)),
    "setpriority": (141, 140, (0, "parent", 19)),
    "ioprio_set": (251, 30, (1, "parent", 0)),
    "sched_setaffinity": (203, 122, ("parent", 0, 0)),
    "sched_setattr": (314, 274, ("parent", 0, 0)),
    "fcntl F_SETOWN": (72, 25, (0, 8, "parent")),
    "fcntl F_SETOWN_EX": (72, 25, (0, 15, 0)),
    "ioctl FIOSETOWN": (16, 29, (0, 0x8901, 0)),
}
_CALL = """
import ctypes, os
parent, me = os.getppid(), os.getpid()
wide_parent = 1 << 32 | parent
libc = ctypes.CDLL(None, use_errno=True)
def call(*arguments):
    if libc.syscall(*map(ctypes.c_long, arguments)) < 0:
        raise OSError(ctypes.get_errno(), "")
"""


def _number(call):
    return _REACHING[call][1 if platform.machine() == "aarch64" else 0]


@pytest.mark.parametrize("call", _REACHING)
def test_a_sandboxed_process_does_not_reach_another_by(call):
    arguments = ", ".join(map(str, _REACHING[call][2]))

    done = _run(f"{_CALL}call({_number(call)}, {arguments})")

    assert done.returncode == 1
    assert "PermissionError: [Errno 1]" in done.stderr


def test_system_calls_are_refused_by_their_second_numbers_too():
    done = _run(f"{_CALL}call(0x40000000 | {_number('kill')}, me, 0)")

    assert "PermissionError: [Errno 1]" in done.stderr


@pytest.mark.parametrize("call", ["kill", "tkill", "tgkill"])
def test_a_sandboxed_process_may_signal_itself_by(call):
    arguments = {"kill": "me, 9", "tkill": "me, 9", "tgkill": "me, me, 9"}[call]

    done = _run(f"{_CALL}call({_number(call)}, {arguments})")

    assert done.returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    ("code", "ended_by"),
    [
        pytest.param("import os; os.abort()", signal.SIGABRT, id="aborts"),
        pytest.param(
            "import signal; signal.raise_signal(signal.SIGTERM)", signal.SIGTERM, id="raises"
        ),
        pytest.param(
            "import os, threading; threading.Thread(target=os.abort).start()",
            signal.SIGABRT,
            id="aborts in a thread",
        ),
    ],
)
def test_a_signal_to_itself_still_ends_a_process_that(code, ended_by):
    assert _run(code).returncode == -ended_by


def test_a_sandboxed_process_still_sets_its_own_limits():
    done = _run("import resource as r; r.setrlimit(r.RLIMIT_CPU, (5, 5))")

    assert done.returncode == 0


@pytest.mark.parametrize("call", _REACHING)
@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_of_each_processor_refuses(machine, call):
    number = _REACHING[call][["x86_64", "aarch64"].index(machine)]
    parents = {"parent": 78, "wide_parent": 1 << 32 | 78}
    arguments = [parents[a] if isinstance(a, str) else a for a in _REACHING[call][2]]

    assert _refuses(filter_program(machine, 77), machine, number, arguments)


@pytest.mark.parametrize(
    ("machine", "tgkill", "write"), [("x86_64", 234, 1), ("aarch64", 131, 64)]
)
def test_the_filter_of_each_processor_allows_what_stays_inside(machine, tgkill, write):
    program = filter_program(machine, 77)

    assert not _refuses(program, machine, tgkill, (77, 77, 6))
    assert not _refuses(program, machine, write, (1, 0, 0))


def _refuses(program, machine, number, arguments):
    """Runs a filter as the kernel does."""
    architecture = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}[machine]
    wide = [argument & (1 << 64) - 1 for argument in arguments]
    data = struct.pack(f"<IIQ{len(wide)}Q", number, architecture, 0, *wide)
    instructions = list(struct.iter_unpack("<HBBI", program))
    place = loaded = 0
    while True:
        code, then, otherwise, operand = instructions[place]
        place += 1
        match code:
            case 0x20:
                [loaded] = struct.unpack_from("<I", data, operand)
            case 0x15:
                place += then if loaded == operand else otherwise
            case 0x35:
                place += then if loaded >= operand else otherwise
            case 0x06:
                return operand != 0x7FFF0000


def test_a_sandboxed_process_still_has_threads_and_files(tmp_path):
    done = _run(
        "import threading, pathlib\n"
        f"path = pathlib.Path({str(tmp_path / 'written')!r})\n"
        "thread = threading.Thread(target=path.write_text, args=('here',))\n"
        "thread.start(); thread.join()"
    )

    assert done.returncode == 0
    assert (tmp_path / "written").read_text() == "here"


needs_landlock = pytest.mark.skipif(landlock_version() < 6, reason="older kernels have less of it")


def _confined(folder, code):
    return _run(
        "import pathlib\n"
        "from omniscope_registry.datasets.confinement import confine_to\n"
        f"confine_to(pathlib.Path({str(folder)!r}))\n{code}"
    )


@needs_landlock
@pytest.mark.parametrize(
    "code",
    [
        pytest.param("open(f'/proc/{os.getppid()}/mem', 'r+b')", id="write into its memory"),
        pytest.param("signal.pidfd_send_signal(os.pidfd_open(os.getppid()), 0)", id="signal it"),
        pytest.param("open(f'/proc/{os.getppid()}/fd/0')", id="open its files"),
    ],
)
def test_a_confined_process_does_not_reach_its_parent(tmp_path, code):
    done = _confined(tmp_path, f"import os, signal\n{code}")

    assert done.returncode == 1
    assert "PermissionError" in done.stderr


@needs_landlock
def test_a_confined_process_writes_into_its_folder_only(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "other").write_text("whole")

    inside = _confined(
        tmp_path / "mine", f"open({str(tmp_path / 'mine' / 'a')!r}, 'w').write('b')"
    )
    outside = [
        _confined(tmp_path / "mine", code)
        for code in (
            f"open({str(tmp_path / 'new')!r}, 'w')",
            f"open({str(tmp_path / 'other')!r}, 'a')",
            f"import os; os.truncate({str(tmp_path / 'other')!r}, 0)",
            f"import os; os.remove({str(tmp_path / 'other')!r})",
        )
    ]

    assert inside.returncode == 0
    assert all("PermissionError" in done.stderr for done in outside)
    assert (tmp_path / "mine" / "a").read_text() == "b"
    assert (tmp_path / "other").read_text() == "whole"
    assert not (tmp_path / "new").exists()
