"""The sample services keep the rules that the suite's own keep, as their readers copy them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from tests.samples.distribution import IMAGE, TOOLS, install
from tools.method_policies import faults

PROJECT = Path(__file__).parents[2]
ECHO = PROJECT / "tests" / "samples" / "echo"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the installed sample."""
    folder = tmp_path_factory.mktemp("site")
    install(ECHO, folder)
    return folder


def run(site: Path, *command: str) -> str:
    path = os.pathsep.join(filter(None, (str(site), os.environ.get("PYTHONPATH"))))
    finished = subprocess.run(
        command,
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": path, "MYPYPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def loaded_by(site: Path, statements: str) -> set[str]:
    code = f"import sys; {statements}; print(*(name.partition('.')[0] for name in sys.modules))"
    return set(run(site, sys.executable, "-c", code).split())


def test_its_methods_state_policies_that_make_sense(site):
    image = FileDescriptorSet.FromString((site / IMAGE).read_bytes())

    assert "omniscope_echo/v1/echo_service.proto" in {file.name for file in image.file}
    assert list(faults(image)) == []


def test_its_proto_has_the_style_of_the_others(site):
    run(site, str(TOOLS / "buf"), "lint", str(site / IMAGE), "--config", "buf.yaml")


def test_its_entry_imports_nothing_of_the_service(site):
    assert "grpc" not in loaded_by(site, "import omniscope_echo.entry")


def test_its_trainer_knows_no_transport(site):
    loaded = loaded_by(site, "from omniscope_echo import trainer; trainer.warm()")

    assert "pyarrow" in loaded
    assert not {"grpc", "nats", "sqlalchemy", "omniscope"} & loaded


def test_its_api_reads_no_data(site):
    assert not {"numpy", "pandas", "pyarrow"} & loaded_by(site, "import omniscope_echo.app")


@pytest.mark.slow
def test_its_types_are_strict(site):
    run(site, str(TOOLS / "mypy"), "-p", "omniscope_echo")
