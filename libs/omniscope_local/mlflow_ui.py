"""Opens MLflow's own web page on the store that the suite projects into."""

import os
import sys
from pathlib import Path
from typing import NoReturn

from omniscope_client.errors import OmniscopeError
from omniscope_local.ports import LOOPBACK, require_free

PORT_OPTION = "--port"


def show_mlflow(home: Path, port: int) -> NoReturn:
    """Become MLflow's server on a home's store, until Ctrl-C.

    Args:
        home: Home of the suite, which need not run. `MLFLOW_TRACKING_URI` names another store.
        port: Port on the loopback interface.

    Raises:
        OmniscopeError: There is no store yet, or the port is in use.
    """
    store = os.environ.get("MLFLOW_TRACKING_URI") or _store_of(home)
    require_free(PORT_OPTION, port)
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", store]
    options = ["--host", LOOPBACK, "--port", str(port), "--workers", "1"]
    # Otherwise MLflow starts eight processes for evaluations, which nobody has asked for.
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    os.execve(sys.executable, [*command, *options], environment)  # noqa: S606


def _store_of(home: Path) -> str:
    database = home / "mlflow.db"
    if not database.is_file():
        raise OmniscopeError(
            "FAILED_PRECONDITION",
            f"There is no MLflow store in {home} yet: it appears when the suite has run there.",
            reason="MLFLOW_STORE_NOT_FOUND",
        )
    return f"sqlite:///{database}"
