"""Keeps AutoGluon from importing MLflow.

`TabularPredictor.fit` calls `warn_if_mlflow_autologging_is_enabled` of
`autogluon.common.utils.log_utils`, which imports MLflow to warn of a setting that nobody uses
here: seconds and 100 MB of every training.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def mlflow_hidden() -> Iterator[None]:
    """Let MLflow seem absent, unless it is imported already."""
    hidden = "mlflow" not in sys.modules
    if hidden:
        sys.modules["mlflow"] = None  # type: ignore[assignment]  # makes the import fail
    try:
        yield
    finally:
        if hidden:
            del sys.modules["mlflow"]
