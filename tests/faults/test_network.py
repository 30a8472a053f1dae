"""Workers are paused, or cut off from the registry alone: no two of them write for one job."""

import asyncio

import pytest

from omniscope.common.v1.job_pb2 import JOB_STATE_SUCCEEDED
from tests.faults.processes import LEASE_SECONDS, LONG_LEASE


@pytest.fixture
async def proxy(cluster):
    """What lies between the first worker and the registry."""
    return await cluster.put_proxy_before("worker1")


@pytest.mark.slow
async def test_a_worker_that_was_paused_past_its_lease_is_fenced(cluster):
    await cluster.start(workers=2)
    job_id = await cluster.submit(seconds=4)
    await cluster.until(job_id)
    zombie = cluster.worker_of(job_id)
    (outdated,) = cluster.children.of(job_id)
    cluster.pause(zombie)
    await cluster.until(job_id, attempt=2)

    cluster.resume(zombie)

    await asyncio.to_thread(outdated.wait, 10)
    job = await cluster.ended(job_id)
    assert (job.state, job.attempt) == (JOB_STATE_SUCCEEDED, 2)
    assert cluster.refused().keys() & {"Heartbeat", "ReportEvents"}


@pytest.mark.slow
async def test_a_heartbeat_after_three_leases_is_refused_and_its_child_killed(cluster):
    await cluster.start(workers=2)
    job_id = await cluster.submit(seconds=12, silent_seconds=12, in_attempts=[1])
    while not cluster.children.of(job_id):
        await cluster.job(job_id)
    zombie = cluster.worker_of(job_id)
    (outdated,) = cluster.children.of(job_id)
    cluster.pause(zombie)
    await cluster.until(job_id, attempt=2)
    await asyncio.sleep(3 * LEASE_SECONDS)

    cluster.resume(zombie)

    await asyncio.to_thread(outdated.wait, 10)
    assert (await cluster.job(job_id)).attempt == 2
    assert cluster.refused()["Heartbeat"] == 1


@pytest.mark.slow
async def test_a_model_that_comes_after_three_leases_is_refused_and_not_seen(cluster):
    await cluster.start(workers=1, worker1="package.after_upload=sleep:2")
    job_id = await cluster.submit()
    while not list(cluster.home.glob(f"artifacts/jobs/{job_id}/attempts/1-*/*/manifest.json")):
        await cluster.job(job_id)
    cluster.launch("worker2")
    cluster.pause("worker1")
    await cluster.ended(job_id)
    await asyncio.sleep(3 * LEASE_SECONDS)

    cluster.resume("worker1")

    while not cluster.refused()["CompleteJob"]:
        await cluster.job(job_id)
    job = await cluster.job(job_id)
    assert (job.state, job.attempt) == (JOB_STATE_SUCCEEDED, 2)


@pytest.mark.slow
async def test_a_worker_that_is_cut_off_for_less_than_its_lease_goes_on(cluster, proxy):
    cluster.extra |= LONG_LEASE
    await cluster.start()
    job_id = await cluster.submit(seconds=2)
    await cluster.until(job_id)

    proxy.cut()
    await asyncio.sleep(1.5)
    proxy.heal()

    job = await cluster.ended(job_id)
    assert (job.state, job.attempt) == (JOB_STATE_SUCCEEDED, 1)
    assert not cluster.refused()


@pytest.mark.slow
async def test_a_worker_that_is_cut_off_for_longer_than_its_lease_is_fenced(cluster, proxy):
    await cluster.start(workers=1)
    job_id = await cluster.submit(seconds=5)
    await cluster.until(job_id)
    (outdated,) = cluster.children.of(job_id)
    cluster.launch("worker2")
    proxy.cut()
    await cluster.until(job_id, attempt=2)

    proxy.heal()
    cluster.history.add("fault", name="worker1", act="heal")

    await asyncio.to_thread(outdated.wait, 10)
    job = await cluster.ended(job_id)
    assert (job.state, job.attempt) == (JOB_STATE_SUCCEEDED, 2)
    assert cluster.refused()


@pytest.mark.slow
@pytest.mark.parametrize("hurt", ["reset", "half_close"])
async def test_connections_that_break_again_and_again_cost_no_attempt(cluster, proxy, hurt):
    cluster.extra |= LONG_LEASE
    proxy.delay_seconds = 0.05
    await cluster.start(workers=1)
    job_id = await cluster.submit(seconds=3)
    await cluster.until(job_id)

    for _ in range(5):
        getattr(proxy, hurt)()
        await asyncio.sleep(0.5)

    job = await cluster.ended(job_id)
    assert (job.state, job.attempt) == (JOB_STATE_SUCCEEDED, 1)
