"""Loads what AutoGluon trains with, before a job waits for it.

AutoGluon imports the library of a family where it first fits one of its models
(`autogluon.common.utils.try_import`): a training would pay seconds for each.
"""

import os


def load_libraries() -> None:
    """Import AutoGluon and the libraries of its families."""
    # Threads that spin long while they wait starve each other where processors are shared: beside
    # one busy process LightGBM took four times as long. Threads that never spin take twice as long
    # where they are not. OpenMP reads this when it is loaded, so it comes before the imports.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    import catboost  # noqa: F401
    import lightgbm  # noqa: F401
    import sklearn.ensemble  # noqa: F401
    import xgboost  # noqa: F401
    from autogluon.tabular import models  # noqa: F401
