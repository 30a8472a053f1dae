import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from omniscope_client.errors import OmniscopeError
from omniscope_local.mlflow_ui import show_mlflow

# Runs the command with a server in MLflow's place, which starts a process of its own.
SCRIPT = """
import sys
from omniscope_local import mlflow_ui
inner = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
outer = "import subprocess, sys; subprocess.run([sys.executable, '-c', %r])" % inner
mlflow_ui._serve([sys.executable, "-c", outer], {})
"""


def test_nothing_is_announced_when_there_is_no_store(tmp_path: Path) -> None:
    announced: list[str] = []

    with pytest.raises(OmniscopeError) as raised:
        show_mlflow(tmp_path, 5000, lambda: announced.append("opens"))

    assert raised.value.reason == "MLFLOW_STORE_NOT_FOUND"
    assert not announced


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_ending_it_is_quiet_and_leaves_no_process(ending: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        inner = int(process.stdout.readline())
        process.send_signal(ending)
        _, errors = process.communicate(timeout=30)

    assert (process.returncode, errors) == (0, "")
    assert _is_gone(inner)


def _is_gone(pid: int) -> bool:
    """Return whether a process ends within a few seconds."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    return False
