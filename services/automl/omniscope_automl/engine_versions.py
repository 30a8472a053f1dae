"""Versions of what models are made with; another one may not read what this one has written."""

import platform
from collections.abc import Iterable
from importlib.metadata import distributions, version

from omniscope_automl.presets import FAMILY_REQUIREMENTS, missing_modules

_ALWAYS = ("autogluon.tabular", "numpy", "pandas", "pyarrow", "scikit-learn")


def engine_versions(modules: Iterable[str]) -> dict[str, str]:
    """Return the version of each distribution: of AutoGluon, its libraries and these modules."""
    return {name: version(name) for name in {*_ALWAYS, *map(_distribution, modules)}}


def worker_versions() -> dict[str, str]:
    """Return the versions of everything on this worker that models can be made with."""
    families = [family for family in FAMILY_REQUIREMENTS if not missing_modules(family)]
    modules = {module for family in families for module in FAMILY_REQUIREMENTS[family]}
    return engine_versions(modules) | {"python": platform.python_version()}


def _distribution(module: str) -> str:
    """Return the installed distribution of a module; XGBoost comes in two."""
    if module == "xgboost" and not any(distributions(name=module)):
        return "xgboost-cpu"
    return module
