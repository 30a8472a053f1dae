"""The broker is down, dies, forgets or repeats; the registry's database is the truth."""

import asyncio
import shutil

import nats
import pytest

from omniscope.common.v1.job_pb2 import JOB_STATE_SUCCEEDED
from omniscope.events.v1.run_hint_pb2 import RunHint
from omniscope_service.events import subjects

_SUBJECT = subjects.run_hint("fake", "cpu")


@pytest.mark.slow
async def test_jobs_submitted_while_the_broker_is_down_run_when_it_is_back(cluster):
    await cluster.start()
    cluster.kill("nats", keep_down=True)
    jobs = [await cluster.submit() for _ in range(3)]
    cluster.bring_up("nats")

    states = [(await cluster.ended(job_id)).state for job_id in jobs]

    assert states == [JOB_STATE_SUCCEEDED] * 3


@pytest.mark.slow
async def test_a_broker_that_is_killed_20_times_loses_and_doubles_nothing(cluster):
    await cluster.start(workers=2)
    jobs = []
    for _ in range(20):
        jobs.append(await cluster.submit())
        cluster.kill("nats")
        await asyncio.sleep(0.3)

    ended = [await cluster.ended(job_id) for job_id in jobs]

    assert {(job.state, job.attempt) for job in ended} == {(JOB_STATE_SUCCEEDED, 1)}


async def test_a_broker_that_lost_everything_costs_no_job(cluster):
    await cluster.start()
    running = await cluster.submit(seconds=1)
    await cluster.until(running)
    waiting = [await cluster.submit() for _ in range(2)]
    cluster.kill("nats", keep_down=True)
    shutil.rmtree(cluster.home / "nats" / "jetstream")
    cluster.bring_up("nats")

    states = [(await cluster.ended(job_id)).state for job_id in (running, *waiting)]

    assert states == [JOB_STATE_SUCCEEDED] * 3


@pytest.mark.slow
async def test_a_hint_that_comes_a_hundred_times_runs_a_job_once(cluster):
    await cluster.start(workers=2)
    jobs = [await cluster.submit(seconds=1, dies="SIGKILL", in_attempts=[1]) for _ in range(2)]
    for job_id in jobs:
        await cluster.until(job_id, attempt=2)

    client = await nats.connect(cluster.nats_url)
    for _ in range(100):
        await client.jetstream().publish(_SUBJECT, RunHint(version=1).SerializeToString())
    ended = [await cluster.ended(job_id) for job_id in jobs]
    await _acknowledged(client)
    await client.close()

    assert {(job.state, job.attempt) for job in ended} == {(JOB_STATE_SUCCEEDED, 2)}


@pytest.mark.slow
async def test_jobs_whose_hints_were_all_lost_run_nevertheless(cluster):
    await cluster.start()
    client = await nats.connect(cluster.nats_url)
    jobs = []
    for _ in range(5):
        jobs.append(await cluster.submit())
        await client.jetstream().purge_stream(subjects.JOBS_STREAM)
    await client.close()

    states = [(await cluster.ended(job_id)).state for job_id in jobs]

    assert states == [JOB_STATE_SUCCEEDED] * 5


async def _acknowledged(client):
    """Wait until no hint is left: the last one was fetched and acknowledged."""
    while True:
        stream = await client.jetstream().stream_info(subjects.JOBS_STREAM)
        if stream.state.messages == 0:
            return
        await asyncio.sleep(0.1)
