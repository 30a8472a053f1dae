"""Registries, workers and children die at the worst moments; every job still ends exactly once."""

import asyncio

import psutil
import pytest

from omniscope.common.v1.job_pb2 import JOB_STATE_QUARANTINED, JOB_STATE_SUCCEEDED
from tests.faults.processes import LONG_LEASE

# The default tier has the short campaign.
pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "place",
    [
        "submit.before_commit",
        "submit.after_commit",
        "relay.before_publish",
        "relay.after_publish",
        "claim.after_commit",
        "complete.before_commit",
        "complete.after_commit",
    ],
)
async def test_a_registry_that_is_killed_costs_no_attempt(cluster, place):
    cluster.extra |= LONG_LEASE
    await cluster.start(registry=f"{place}=kill")

    job = await cluster.ended(await cluster.submit())

    assert (job.state, job.attempt) == (JOB_STATE_SUCCEEDED, 1)
    assert cluster.deaths["registry"] == 1


@pytest.mark.parametrize(
    ("place", "attempt"),
    [
        ("worker.after_fetch", 1),
        ("worker.after_claim", 2),
        ("worker.after_pass_on", 2),
        ("package.after_upload", 2),
    ],
)
async def test_a_worker_that_is_killed_costs_at_most_its_attempt(cluster, place, attempt):
    await cluster.start(worker1=f"{place}=kill")

    job = await cluster.ended(await cluster.submit())

    assert (job.state, job.attempt) == (JOB_STATE_SUCCEEDED, attempt)
    assert cluster.deaths["worker1"] == 1


async def test_a_worker_that_is_killed_in_training_takes_its_processes_along(cluster):
    await cluster.start()
    job_id = await cluster.submit(seconds=2, stubborn=True, orphan=True)
    await cluster.until(job_id)
    training = cluster.children.of(job_id)

    cluster.kill("worker1")

    gone, alive = await asyncio.to_thread(psutil.wait_procs, training, 30)
    assert not alive
    assert len(gone) == 2
    assert (await cluster.ended(job_id)).attempt == 2


@pytest.mark.parametrize("how", ["SIGKILL", "SIGSEGV"])
async def test_a_training_that_dies_twice_is_quarantined_and_the_next_job_runs(cluster, how):
    await cluster.start()

    dying = await cluster.ended(await cluster.submit(dies=how))
    following = await cluster.ended(await cluster.submit())

    assert (dying.state, dying.attempt) == (JOB_STATE_QUARANTINED, 2)
    assert (dying.error.reason, how in dying.error.message) == ("TRAINING_CRASHED", True)
    assert following.state == JOB_STATE_SUCCEEDED


async def test_a_supervisor_that_is_killed_takes_the_training_along(cluster):
    await cluster.start()
    job_id = await cluster.submit(seconds=2, orphan=True)
    await cluster.until(job_id)
    training = cluster.children.of(job_id)

    training[0].parent().kill()

    _, alive = await asyncio.to_thread(psutil.wait_procs, training, 30)
    assert not alive
    job = await cluster.ended(job_id)
    assert (job.state, job.attempt) == (JOB_STATE_SUCCEEDED, 2)
