"""What is imported before a job waits for it."""

import subprocess
import sys

import pytest

LIBRARIES = ("catboost", "lightgbm", "xgboost")


def imported_by(program: str) -> list[str]:
    program += f"\nimport sys; print([name for name in {LIBRARIES} if name in sys.modules])"
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return [name for name in LIBRARIES if name in ended.stdout]


@pytest.mark.slow
def test_autogluon_imports_no_library_before_its_first_fit():
    assert imported_by("from autogluon.tabular import TabularPredictor, models") == []


def test_the_libraries_of_all_families_are_loaded():
    loading = "from omniscope_automl.engine.libraries import load_libraries; load_libraries()"

    assert imported_by(loading) == [*LIBRARIES]
