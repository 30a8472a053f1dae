"""Kinds of models that other distributions bring, inside the suite and outside of it."""

import dataclasses
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from omniscope_ml.kinds import load_package
from omniscope_ml.mlmodel import write_mlmodel
from omniscope_ml.model_card import write_model_card
from omniscope_ml.packaging import write_manifest
from tests.unit.omniscope_ml.test_packaging import MANIFEST, RESULTS

PREDICTOR = """
class Constant:
    payload_note = "The payload is one word."
    feature_names = ()
    classes = ()

    def __init__(self, word):
        self.word = word

    @classmethod
    def load(cls, payload, manifest):
        return cls((payload / "word.txt").read_text())
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of a kind that another distribution has."""
    site, package = tmp_path / "site", tmp_path / "package"
    (site / "constant_models").mkdir(parents=True)
    (site / "constant_models" / "__init__.py").touch()
    (site / "constant_models" / "predictor.py").write_text(PREDICTOR)
    metadata = site / "constant_models-1.0.dist-info"
    metadata.mkdir()
    (metadata / "entry_points.txt").write_text(
        "[omniscope.predictors]\nconstant.word = constant_models.predictor:Constant\n"
    )
    monkeypatch.syspath_prepend(site)
    manifest = dataclasses.replace(MANIFEST, kind="constant.word")
    (package / "payload").mkdir(parents=True)
    (package / "payload" / "word.txt").write_text("yes")
    write_mlmodel(package, manifest)
    write_model_card(package, manifest, RESULTS)
    write_manifest(package, manifest)
    return package


def test_a_package_is_opened_by_what_its_kind_names(package: Path) -> None:
    model = load_package(package)

    assert type(model).__name__ == "Constant"
    assert vars(model) == {"word": "yes"}


def test_its_card_says_what_its_kind_says_of_the_payload(package: Path) -> None:
    assert "The payload is one word." in (package / "README.md").read_text()


def test_it_opens_where_neither_the_suite_nor_that_distribution_is(package: Path) -> None:
    program = f"""
import sys
sys.path[:] = [{str(package / "code")!r}, *sys.path, {sysconfig.get_path("purelib")!r}]
from omniscope_ml.pyfunc import _load_pyfunc
import constant_models, omniscope_ml
print(_load_pyfunc({str(package)!r})._predictor.word, constant_models.__file__)
print(omniscope_ml.__path__[0])
"""
    done = subprocess.run(
        [sys.executable, "-S", "-E", "-c", program], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    word, *places = done.stdout.split()
    assert word == "yes"
    assert all(place.startswith(str(package / "code")) for place in places)
