"""A suite of real processes in a temporary home, for benchmarks that need one."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OMNISCOPE = Path(sys.executable).parent / "omniscope"


@contextmanager
def running_suite() -> Iterator[Path]:
    """Starts the suite on free ports, yields its home and stops it on every path."""
    with tempfile.TemporaryDirectory(prefix="omniscope-bench-") as folder:
        home = Path(folder)
        omniscope(home, "up", "--detach", "--free-ports")
        try:
            yield home
        finally:
            omniscope(home, "down")


def omniscope(home: Path, *arguments: str) -> str:
    """Runs one command of the command line against a home and returns what it printed."""
    environment = {**os.environ, "OMNISCOPE_HOME": str(home)}
    finished = subprocess.run(
        [OMNISCOPE, *arguments], env=environment, check=True, capture_output=True, text=True
    )
    return finished.stdout


def state(home: Path) -> dict[str, dict[str, object]]:
    """Returns what runs where, as the suite wrote it down."""
    parsed: dict[str, dict[str, object]] = json.loads((home / "state.json").read_text())
    return parsed
