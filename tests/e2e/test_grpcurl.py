"""What an operator does: grpcurl with reflection, no protos at hand."""

import json

import pytest

from tests.e2e.conftest import RunningSuite

PUBLIC_SERVICES = {
    "omniscope.automl.v1.AutoMLService",
    "omniscope.deeplearning.v1.DeepLearningService",
    "omniscope.registry.v1.DatasetService",
    "omniscope.registry.v1.JobService",
    "omniscope.registry.v1.ModelService",
}


def test_reflection_lists_the_public_services_and_no_internal_one(suite: RunningSuite):
    listed = set(suite.grpcurl("list").split())

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

    job = json.loads(suite.grpcurl("omniscope.automl.v1.AutoMLService/Train", request))
    watched = suite.grpcurl(
        "omniscope.automl.v1.AutoMLService/WatchTraining", {"job_id": job["job_id"]}
    )

    assert '"snapshot"' in watched
    assert '"to_state": "JOB_STATE_SUCCEEDED"' in watched
