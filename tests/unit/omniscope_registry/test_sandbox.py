"""What the child that reads uploads can no longer do."""

import platform
import subprocess
import sys

import pytest

from omniscope_registry.datasets.confinement import landlock_version

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
