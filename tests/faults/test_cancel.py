"""Cancels and deadlines come at every moment of a job's life; it ends once."""

import asyncio
import shutil
from contextlib import suppress

import grpc
import psutil
import pytest

from omniscope.common.v1.job_pb2 import (
    JOB_STATE_CANCELLED,
    JOB_STATE_SUCCEEDED,
    JOB_STATE_TIMED_OUT,
)


async def test_a_cancel_ends_a_job_in_line_and_one_that_runs_and_no_other(cluster):
    await cluster.start()
    running = await cluster.submit(seconds=30)
    await cluster.until(running)
    waiting = await cluster.submit()

    for job_id in (waiting, running):
        await cluster.cancel(job_id)
        await cluster.cancel(job_id)

    states = [(await cluster.ended(job_id)).state for job_id in (waiting, running)]
    assert states == [JOB_STATE_CANCELLED] * 2
    finished = await cluster.ended(await cluster.submit())
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await cluster.cancel(finished.job_id)
    assert refused.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert (await cluster.job(finished.job_id)).state == JOB_STATE_SUCCEEDED


@pytest.mark.slow
async def test_a_cancel_that_races_with_the_end_has_one_winner(cluster):
    await cluster.start(workers=2)
    jobs = [await cluster.submit(seconds=0.4) for _ in range(8)]

    async def cancel_late(job_id):
        await cluster.until(job_id)
        await asyncio.sleep(0.3)
        with suppress(grpc.aio.AioRpcError):  # it has ended already
            await cluster.cancel(job_id)

    await asyncio.gather(*map(cancel_late, jobs))

    states = {(await cluster.ended(job_id)).state for job_id in jobs}
    assert states <= {JOB_STATE_CANCELLED, JOB_STATE_SUCCEEDED}


@pytest.mark.slow
async def test_a_cancel_reaches_a_job_whose_worker_is_gone(cluster):
    await cluster.start()
    job_id = await cluster.submit(seconds=30)
    await cluster.until(job_id)
    cluster.kill("worker1", keep_down=True)

    await cluster.cancel(job_id)

    assert (await cluster.ended(job_id)).state == JOB_STATE_CANCELLED


@pytest.mark.slow
async def test_a_cancel_ends_a_child_that_ignores_it_and_what_it_has_started(cluster):
    await cluster.start()
    job_id = await cluster.submit(seconds=60, stubborn=True, orphan=True)
    await cluster.until(job_id)
    processes = cluster.children.of(job_id)

    await cluster.cancel(job_id)

    _, alive = await asyncio.to_thread(psutil.wait_procs, processes, 25)
    assert (len(processes), alive) == (2, [])
    assert (await cluster.ended(job_id)).state == JOB_STATE_CANCELLED


@pytest.mark.slow
async def test_a_deadline_ends_a_job_in_line_and_one_that_runs(cluster):
    await cluster.start()
    running = await cluster.submit(deadline_seconds=3, seconds=30)
    await cluster.until(running)
    waiting = await cluster.submit(deadline_seconds=1)

    ended = [await cluster.ended(job_id) for job_id in (waiting, running)]

    assert [job.state for job in ended] == [JOB_STATE_TIMED_OUT] * 2
    assert [job.attempt for job in ended] == [0, 1]
    assert {job.error.reason for job in ended} == {"JOB_DEADLINE_EXCEEDED"}


@pytest.mark.slow
async def test_a_deadline_ends_a_job_that_waits_for_its_next_attempt(cluster):
    await cluster.start()
    # A failure of the infrastructure, after which the next attempt is put off.
    shutil.rmtree(cluster.home / "artifacts" / "datasets")

    job = await cluster.ended(await cluster.submit(deadline_seconds=6))

    assert job.state == JOB_STATE_TIMED_OUT
    assert job.attempt >= 1
