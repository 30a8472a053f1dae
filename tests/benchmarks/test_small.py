"""Every benchmark works, which a small run of it shows; its figures mean nothing here."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import claim
from benchmarks.found import names
from benchmarks.size import VARIABLE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
_PROJECT = Path(claim.__file__).parents[1]


@pytest.mark.parametrize("name", names())
def test_in_a_small_size_the_benchmark_works(name):
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks", name],
        env=os.environ | {VARIABLE: "small"},
        cwd=_PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    assert ": works" in run.stdout
