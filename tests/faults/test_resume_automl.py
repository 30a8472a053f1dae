"""A search of real AutoGluon whose worker is killed keeps the models that it had finished."""

import asyncio
import sys
import uuid
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
from omniscope.registry.v1.job_service_pb2 import ListJobEventsRequest
from omniscope_client.client import Client
from omniscope_service.testing.serving import channel
from tests.faults.case import case
from tests.faults.cluster import Cluster, answered
from tests.faults.processes import free_port

TISSUES = Path(__file__).parents[2] / "examples" / "data" / "tissue7.csv"
KEPT = " was finished by an earlier attempt and is kept."


class AutoMLCluster(Cluster):
    """A cluster whose one worker is the real automl service."""

    def __init__(self, home):
        super().__init__(home)
        self.automl = f"127.0.0.1:{free_port()}"
        # Trainings of real engines leave the worker little of two processors.
        self.extra = {
            "OMNISCOPE_AUTOML_LISTEN": self.automl,
            "OMNISCOPE_REGISTRY_LEASE_SECONDS": "10",
        }

    def _command(self, name):
        if name.startswith("worker"):
            return [sys.executable, "-m", "omniscope_automl", "all"]
        return super()._command(name)

    async def train(self, request):
        request.request_id = str(uuid.uuid4())
        self.history.add("submitting", request_id=request.request_id)
        async with channel(self.automl, self.tokens.user) as to_automl:
            stub = AutoMLServiceStub(to_automl)
            job = await answered(lambda: stub.Train(request, timeout=20))
        self.history.add("acknowledged", request_id=request.request_id, job_id=job.job_id)
        self.acknowledged.add(job.job_id)
        return job.job_id

    async def events(self, job_id, kind):
        request = ListJobEventsRequest(job_id=job_id, event_types=[kind], page_size=1000)
        return (await answered(lambda: self.jobs.ListJobEvents(request, timeout=5))).events


def upload(cluster):
    with Client(cluster.target(), cluster.tokens.user) as client:
        client.datasets.upload(TISSUES, name="tissues")


def reported(entries, attempt):
    return {
        event.leaderboard_entry.model: event.leaderboard_entry
        for event in reversed(entries)
        if event.attempt == attempt
    }


@pytest.fixture
async def cluster(home):
    async with case(AutoMLCluster(home)) as started:
        yield started


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_models_that_were_finished_are_kept_and_the_search_goes_on(cluster):
    await cluster.start()
    await asyncio.to_thread(upload, cluster)
    request = TrainRequest(dataset_id="tissues", target_column="tissue", time_limit=200, seed=7)
    job_id = await cluster.train(request)
    while len(await cluster.events(job_id, JOB_EVENT_TYPE_CHECKPOINT)) < 3:  # noqa: ASYNC110
        await asyncio.sleep(0.1)

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
