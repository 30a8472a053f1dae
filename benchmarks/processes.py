"""Only the processes that a benchmark names, real ones, in a temporary home of their own."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from omniscope_local.nats import start_nats
from omniscope_local.tokens import ensure_tokens

PROJECT = Path(__file__).parents[1]
ANY_PORT = "127.0.0.1:0"


class Processes:
    """Modules that run beside the benchmark until it ends.

    Attributes:
        home: Home of all of them.
        registry: Address of the registry, once it was started.
    """

    def __init__(self, home: Path, nats_url: str) -> None:
        self.home = home
        self.registry = ANY_PORT
        self._nats_url = nats_url
        self._running: list[subprocess.Popen[str]] = []

    def start_registry(self) -> None:
        """Starts the registry on a free port."""
        self.registry = self.start("omniscope_registry", "serve")

    def start(self, module: str, *arguments: str) -> str:
        """Starts a module and returns its address when it is ready; empty without a server.

        Raises:
            RuntimeError: It ended instead; its log was shown.
        """
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            env=os.environ | self._environment(),
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._running.append(process)
        assert process.stdout is not None
        ready, *rest = process.stdout.readline().split() or [""]
        if ready != "READY":
            raise RuntimeError(f"{module} did not start")
        return rest[-1]

    def stop(self) -> None:
        """Ends the processes, the last one that was started first."""
        for process in reversed(self._running):
            process.terminate()
            process.communicate()

    def _environment(self) -> dict[str, str]:
        return {
            "OMNISCOPE_HOME": str(self.home),
            "OMNISCOPE_LOG_LEVEL": "error",
            "OMNISCOPE_NATS_URL": self._nats_url,
            "OMNISCOPE_REGISTRY_LISTEN": ANY_PORT,
            "OMNISCOPE_REGISTRY_TARGET": self.registry,
            # Workers and their children import what lies in this folder.
            "PYTHONPATH": os.pathsep.join([str(PROJECT), os.environ.get("PYTHONPATH", "")]),
        }


@contextmanager
def own_processes() -> Iterator[Processes]:
    """Makes a home and starts a broker; ends everything on every path."""
    with tempfile.TemporaryDirectory(prefix="omniscope-bench-") as folder:
        home = Path(folder)
        ensure_tokens(home)
        nats = start_nats(home / "nats")
        processes = Processes(home, nats.url)
        try:
            yield processes
        finally:
            processes.stop()
            nats.stop()
