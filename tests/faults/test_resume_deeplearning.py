"""A network whose worker is killed learns on where it was, as if nothing had happened."""

from pathlib import Path

import pytest

from omniscope.common.v1.job_event_pb2 import JOB_EVENT_TYPE_CHECKPOINT, JOB_EVENT_TYPE_METRIC
from omniscope.common.v1.job_pb2 import JOB_STATE_SUCCEEDED
from omniscope.deeplearning.v1.architectures_pb2 import Recurrent
from omniscope.deeplearning.v1.deep_learning_service_pb2 import TrainRequest
from omniscope.deeplearning.v1.deep_learning_service_pb2_grpc import DeepLearningServiceStub
from omniscope.deeplearning.v1.training_pb2 import TrainingOptions
from tests.faults.case import case
from tests.faults.engines import EngineCluster

PENGUINS = Path(__file__).parents[2] / "examples" / "data" / "penguins.csv"
EPOCHS = 100


def request():
    return TrainRequest(
        dataset_id="penguins",
        target_column="species",
        gru=Recurrent(),
        training=TrainingOptions(epochs=EPOCHS, patience=0),
        seed=7,
    )


async def losses(cluster, job_id):
    """Return the validation loss of every epoch, and the first epoch of the second attempt."""
    events = await cluster.events(job_id, JOB_EVENT_TYPE_METRIC)
    validated = [
        event
        for event in events
        if (event.metric.name, event.metric.split) == ("loss", "validation")
    ]
    resumed_at = min((e.metric.epoch for e in validated if e.attempt == 2), default=0)
    return {event.metric.epoch: event.metric.value for event in validated}, resumed_at


@pytest.fixture
async def cluster(home):
    async with case(EngineCluster(home, "deeplearning", DeepLearningServiceStub)) as started:
        yield started


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_a_killed_training_gives_the_losses_of_one_that_nobody_interrupted(cluster):
    await cluster.start()
    await cluster.upload(PENGUINS, "penguins")
    killed = await cluster.train(request())
    await cluster.until_events(killed, JOB_EVENT_TYPE_CHECKPOINT, 1)

    cluster.kill("worker1")

    job = await cluster.ended(killed)
    undisturbed = await cluster.ended(await cluster.train(request()))
    assert (job.state, job.attempt) == (JOB_STATE_SUCCEEDED, 2)
    assert (undisturbed.state, undisturbed.attempt) == (JOB_STATE_SUCCEEDED, 1)
    of_killed, resumed_at = await losses(cluster, killed)
    of_undisturbed, _ = await losses(cluster, undisturbed.job_id)
    assert resumed_at > 0
    assert sorted(of_killed) == list(range(EPOCHS))
    assert of_killed == of_undisturbed
