"""The libraries that train networks, and whether this machine has them."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

from omniscope_service.errors import FailedPrecondition

_MODULES: Final = ("torch", "pytorch_lightning", "safetensors")


def check_engines_installed() -> None:
    """Refuse to queue what nobody here could train.

    Raises:
        FailedPrecondition: Reason ENGINE_NOT_INSTALLED; the message says how to install it.
    """
    if missing := [name for name in _MODULES if find_spec(name) is None]:
        raise FailedPrecondition(
            f"Training networks needs {', '.join(missing)}, which this machine does not have: "
            "install omniscope[deeplearning].",
            reason="ENGINE_NOT_INSTALLED",
        )
