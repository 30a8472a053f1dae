"""Opens MLflow's own web page on the store that the suite projects into."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from omniscope_client.errors import OmniscopeError
from omniscope_local.die_with_parent import die_with_parent
from omniscope_local.ports import LOOPBACK, require_free

PORT_OPTION = "--port"
STOP_SECONDS = 10.0


def show_mlflow(home: Path, port: int, on_start: Callable[[], None]) -> None:
    """Run MLflow's server on a home's store, until Ctrl-C or SIGTERM.

    Args:
        home: Home of the suite, which need not run. `MLFLOW_TRACKING_URI` names another store.
        port: Port on the loopback interface.
        on_start: Called when nothing stands against it, right before the start.

    Raises:
        OmniscopeError: There is no store yet, the port is in use, or the server ended by itself.
    """
    store = os.environ.get("MLFLOW_TRACKING_URI") or _store_of(home)
    require_free(PORT_OPTION, port)
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", store]
    options = ["--host", LOOPBACK, "--port", str(port), "--workers", "1"]
    # Otherwise MLflow starts eight processes for evaluations, which nobody has asked for.
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    on_start()
    _serve([*command, *options], environment)


def _serve(command: list[str], environment: dict[str, str]) -> None:
    """Run a command until it ends or somebody ends us, and leave nothing of it behind."""
    # SIGINT too: a process that a script starts in the background inherits it as ignored.
    before = {
        number: signal.signal(number, signal.default_int_handler)
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    process = None
    try:
        process = subprocess.Popen(
            die_with_parent(command, os.getpid()),
            env=environment,
            start_new_session=True,  # Ctrl-C is for us: MLflow would answer with a traceback
        )
        code = process.wait()
    except KeyboardInterrupt:
        if process is not None:
            _stop(process)
        return
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    raise OmniscopeError(
        "INTERNAL", f"MLflow ended by itself with code {code}.", reason="START_FAILED"
    )


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _store_of(home: Path) -> str:
    database = home / "mlflow.db"
    if not database.is_file():
        raise OmniscopeError(
            "FAILED_PRECONDITION",
            f"There is no MLflow store in {home} yet: it appears when the suite has run there.",
            reason="MLFLOW_STORE_NOT_FOUND",
        )
    return f"sqlite:///{database}"
