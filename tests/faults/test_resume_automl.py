"""A search of real AutoGluon whose worker is killed keeps the models that it had finished."""

from pathlib import Path

import pytest

from omniscope.automl.v1.automl_service_pb2 import TrainRequest
from omniscope.automl.v1.automl_service_pb2_grpc import AutoMLServiceStub
from omniscope.common.v1.job_event_pb2 import (
    JOB_EVENT_TYPE_CHECKPOINT,
    JOB_EVENT_TYPE_LEADERBOARD_ENTRY,
    JOB_EVENT_TYPE_LOG_LINE,
)
from omniscope.common.v1.job_pb2 import JOB_STATE_SUCCEEDED
from tests.faults.case import case
from tests.faults.engines import EngineCluster

TISSUES = Path(__file__).parents[2] / "examples" / "data" / "tissue7.csv"
KEPT = " was finished by an earlier attempt and is kept."


def reported(entries, attempt):
    return {
        event.leaderboard_entry.model: event.leaderboard_entry
        for event in reversed(entries)
        if event.attempt == attempt
    }


@pytest.fixture
async def cluster(home):
    async with case(EngineCluster(home, "automl", AutoMLServiceStub)) as started:
        yield started


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_models_that_were_finished_are_kept_and_the_search_goes_on(cluster):
    await cluster.start()
    await cluster.upload(TISSUES, "tissues")
    request = TrainRequest(dataset_id="tissues", target_column="tissue", time_limit=200, seed=7)
    job_id = await cluster.train(request)
    await cluster.until_events(job_id, JOB_EVENT_TYPE_CHECKPOINT, 3)

    cluster.kill("worker1")

    job = await cluster.ended(job_id)
    assert (job.state, job.attempt) == (JOB_STATE_SUCCEEDED, 2)
    lines = await cluster.events(job_id, JOB_EVENT_TYPE_LOG_LINE)
    kept = {
        event.log_line.text.removesuffix(KEPT) for event in lines if KEPT in event.log_line.text
    }
    entries = await cluster.events(job_id, JOB_EVENT_TYPE_LEADERBOARD_ENTRY)
    first, second = reported(entries, 1), reported(entries, 2)
    assert len(kept) >= 3
    assert second.keys() > kept
    for model in kept:
        assert second[model].fit_seconds == first[model].fit_seconds
        assert second[model].score_validation == first[model].score_validation
