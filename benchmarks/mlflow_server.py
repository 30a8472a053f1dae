"""MLflow's tracking server on SQLite, to hold the suite against."""

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

MLFLOW = str(Path(sys.executable).parent / "mlflow")


@contextmanager
def mlflow_server() -> Iterator[str]:
    """Runs MLflow's tracking server with an empty store; yields its address."""
    with tempfile.TemporaryDirectory(prefix="omniscope-bench-") as folder:
        port = free_port()
        store = f"sqlite:///{folder}/mlflow.db"
        process = subprocess.Popen(
            [MLFLOW, "server", "--port", str(port), "--backend-store-uri", store],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until_healthy(f"{url}/health")
            yield url
        finally:
            process.terminate()
            process.wait()


def free_port() -> int:
    """Returns a port that was free a moment ago."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def wait_until_healthy(url: str) -> None:
    """Waits up to ten minutes for a server: on a busy machine MLflow takes two to start."""
    for _ in range(1200):
        try:
            if requests.get(url, timeout=5).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.5)
    raise RuntimeError(f"{url} did not answer within ten minutes")
