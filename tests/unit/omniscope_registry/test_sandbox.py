"""What the child that reads uploads can no longer do."""

import platform
import subprocess
import sys

import pytest

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
