"""The versions of AutoGluon that this package was verified with."""

from importlib.metadata import version
from typing import Final

VERIFIED_VERSIONS: Final = ("1.6.3",)
"""Another one is added here once the tests of this package pass with it."""


def require_verified_version() -> None:
    """Refuse other versions: what is replaced in AutoGluon may mean something else there.

    Raises:
        ImportError: Another version is installed.
    """
    installed = version("autogluon.tabular")
    if installed not in VERIFIED_VERSIONS:
        raise ImportError(
            f"AutoGluon {installed} is installed; omniscope_automl.engine was verified with "
            f"{', '.join(VERIFIED_VERSIONS)} only. Install one of these (constraints.txt)."
        )
