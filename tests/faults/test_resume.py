"""An attempt that was lost is not lost work: the next one goes on from its checkpoint."""

import asyncio

import pytest

from omniscope.common.v1.job_event_pb2 import JOB_EVENT_TYPE_CHECKPOINT
from omniscope.common.v1.job_pb2 import JOB_STATE_SUCCEEDED
from omniscope.registry.v1.job_service_pb2 import ListJobEventsRequest
from tests.faults.cluster import answered


async def stored_steps(cluster, job_id, attempt):
    """Return the steps that an attempt's checkpoints were taken at, oldest first."""
    request = ListJobEventsRequest(job_id=job_id, event_types=[JOB_EVENT_TYPE_CHECKPOINT])
    page = await answered(lambda: cluster.jobs.ListJobEvents(request, timeout=5))
    return [event.checkpoint.step for event in page.events if event.attempt == attempt]


async def until_stored(cluster, job_id, checkpoints):
    while len(await stored_steps(cluster, job_id, 1)) < checkpoints:  # noqa: ASYNC110 - no watch
        await asyncio.sleep(0.05)


def taken(cluster, job_id, attempt):
    return [
        entry["step"]
        for entry in cluster.history.entries()
        if entry["what"] == "step" and (entry["job_id"], entry["attempt"]) == (job_id, attempt)
    ]


async def check_resumed(cluster, job_id, steps):
    job = await cluster.ended(job_id)
    assert (job.state, job.attempt) == (JOB_STATE_SUCCEEDED, 2)
    newest = (await stored_steps(cluster, job_id, 1))[-1]
    assert taken(cluster, job_id, 2) == list(range(newest + 1, steps + 1))


async def test_a_training_whose_worker_is_killed_goes_on_from_its_checkpoint(cluster):
    await cluster.start()
    job_id = await cluster.submit(steps=30)
    await until_stored(cluster, job_id, 3)

    cluster.kill("worker1")

    await check_resumed(cluster, job_id, 30)


@pytest.mark.slow
async def test_a_training_whose_child_is_killed_goes_on_from_its_checkpoint(cluster):
    await cluster.start()
    job_id = await cluster.submit(steps=30)
    await until_stored(cluster, job_id, 3)

    cluster.children.of(job_id)[0].kill()

    await check_resumed(cluster, job_id, 30)


@pytest.mark.slow
async def test_a_worker_that_is_stopped_hands_back_a_training_with_its_newest_step(cluster):
    await cluster.start()
    job_id = await cluster.submit(steps=30)
    await until_stored(cluster, job_id, 3)

    await cluster.restart("worker1")

    await check_resumed(cluster, job_id, 30)
    assert taken(cluster, job_id, 1)[-1] + 1 == taken(cluster, job_id, 2)[0]


@pytest.mark.slow
async def test_a_worker_killed_while_it_stores_a_checkpoint_leaves_the_one_before(cluster):
    await cluster.start(worker1="checkpoint.before_register=kill:3")
    job_id = await cluster.submit(steps=20)

    await check_resumed(cluster, job_id, 20)

    assert len(await stored_steps(cluster, job_id, 1)) == 2
