"""A job that a GPU could do finds its way there, and leaves nothing behind: `make test-gpu`."""

import subprocess

import pytest

from omniscope.common.v1.job_event_pb2 import JOB_EVENT_TYPE_CHECKPOINT
from omniscope.common.v1.job_pb2 import JOB_STATE_SUCCEEDED
from omniscope.deeplearning.v1.deep_learning_service_pb2_grpc import DeepLearningServiceStub
from tests.faults.case import case
from tests.faults.engines import EngineCluster
from tests.faults.test_resume_deeplearning import EPOCHS, PENGUINS, losses, request

pytestmark = [pytest.mark.gpu, pytest.mark.timeout(400)]

# What the driver itself takes and gives back is not the same every time.
NOISE_MIB = 50


def used_mib() -> int:
    """Return how much of the first GPU is used, by whomever."""
    asked = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits", "--id=0"]
    return int(subprocess.run(asked, capture_output=True, text=True, check=True).stdout)


async def test_a_job_takes_the_gpu_goes_on_there_after_a_kill_and_frees_its_memory(home):
    before = used_mib()
    cluster = EngineCluster(home, "deeplearning", DeepLearningServiceStub)
    async with case(cluster):
        await cluster.start()
        await cluster.upload(PENGUINS, "penguins")
        killed = await cluster.train(request())
        await cluster.until_events(killed, JOB_EVENT_TYPE_CHECKPOINT, 1)

        cluster.kill("worker1")

        job = await cluster.ended(killed)
        undisturbed = (await cluster.ended(await cluster.train(request()))).job_id
        lines = await cluster.log_lines(killed)
        of_killed, resumed_at = await losses(cluster, killed)
        of_undisturbed, _ = await losses(cluster, undisturbed)

    assert (job.state, job.attempt) == (JOB_STATE_SUCCEEDED, 2)
    assert sum("weights on cuda" in line for line in lines) == 2
    assert resumed_at > 0
    assert sorted(of_killed) == list(range(EPOCHS))
    assert of_killed == of_undisturbed
    assert used_mib() <= before + NOISE_MIB
