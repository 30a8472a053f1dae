"""The examples run as a newcomer would run them."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

PROJECT = Path(__file__).parents[3]


@pytest.mark.slow
def test_the_demo_trains_predicts_and_leaves_nothing_running(tmp_path: Path) -> None:
    demo = subprocess.run(
        [sys.executable, PROJECT / "examples" / "demo.py"],
        env={"TMPDIR": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=290,
        check=False,
    )

    assert demo.returncode == 0, demo.stdout + demo.stderr
    for shown in ("best so far", "test (37 rows)", "sure), it is", "make mlflow-ui", "Done after"):
        assert shown in demo.stdout
    assert not [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if any(str(tmp_path) in argument for argument in process.info["cmdline"] or ())
    ]
