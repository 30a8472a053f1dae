"""Which versions of AutoGluon may be worked around."""

import re
import tomllib
from pathlib import Path

import pytest

from omniscope_automl.engine import version
from omniscope_automl.engine.version import VERIFIED_VERSIONS, require_verified_version

PROJECT = Path(__file__).parents[4] / "pyproject.toml"


def test_the_version_that_is_installed_was_verified():
    require_verified_version()


def test_the_version_that_the_project_asks_for_was_verified():
    extras = tomllib.loads(PROJECT.read_text())["project"]["optional-dependencies"]
    (wanted,) = (text for text in extras["automl"] if text.startswith("autogluon.tabular"))

    assert re.sub(r".*==", "", wanted) in VERIFIED_VERSIONS


def test_another_version_is_refused_with_those_that_will_do(monkeypatch):
    monkeypatch.setattr(version, "version", lambda _: "9.9.9")

    with pytest.raises(ImportError, match=r"AutoGluon 9\.9\.9 is installed; .*1\.6\.3 only"):
        require_verified_version()
