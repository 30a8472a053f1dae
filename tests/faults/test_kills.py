"""Processes die at the worst moments; every job still ends exactly once."""

import asyncio
import shutil
import signal

import psutil
import pytest

from omniscope.common.v1.job_pb2 import (
    JOB_STATE_CANCELLED,
    JOB_STATE_QUARANTINED,
    JOB_STATE_SUCCEEDED,
)
from omniscope.registry.v1.job_service_pb2 import CancelJobRequest
from tests.faults.cluster import answered


@pytest.mark.parametrize(
    "place",
    [
        "submit.after_commit",
        "complete.after_commit",
        *(
            pytest.param(place, marks=pytest.mark.slow)
            for place in (
                "submit.before_commit",
                "relay.before_publish",
                "relay.after_publish",
                "claim.after_commit",
                "complete.before_commit",
            )
        ),
    ],
)
async def test_a_registry_that_is_killed_loses_and_doubles_nothing(cluster, place):
    await cluster.start(registry=f"{place}=kill")

    job = await cluster.ended(await cluster.submit())

    assert job.state == JOB_STATE_SUCCEEDED


@pytest.mark.parametrize(
    ("place", "attempt"),
    [
        ("worker.after_claim", 2),
        pytest.param("worker.after_fetch", 1, marks=pytest.mark.slow),
        pytest.param("worker.after_ack", 2, marks=pytest.mark.slow),
        pytest.param("package.after_upload", 2, marks=pytest.mark.slow),
    ],
)
async def test_a_worker_that_is_killed_costs_at_most_its_attempt(cluster, place, attempt):
    await cluster.start(worker1=f"{place}=kill")

    job = await cluster.ended(await cluster.submit())

    assert (job.state, job.attempt) == (JOB_STATE_SUCCEEDED, attempt)


async def test_a_worker_that_is_killed_in_training_takes_its_processes_along(cluster):
    await cluster.start()
    job_id = await cluster.submit(seconds=2, stubborn=True)
    await cluster.until(job_id)
    training = cluster.children()

    cluster.kill("worker1")

    gone, alive = await asyncio.to_thread(psutil.wait_procs, training, 5)
    assert training
    assert not alive
    assert len(gone) == len(training)
    assert (await cluster.ended(job_id)).attempt == 2


@pytest.mark.slow
async def test_a_registry_that_restarts_ends_no_training(cluster):
    await cluster.start()
    job_id = await cluster.submit(seconds=4)
    await cluster.until(job_id)

    cluster.kill("registry")

    job = await cluster.ended(job_id)
    assert (job.state, job.attempt) == (JOB_STATE_SUCCEEDED, 1)


async def test_a_worker_that_was_paused_past_its_lease_is_fenced(cluster):
    await cluster.start(workers=2)
    job_id = await cluster.submit(seconds=5)
    paused = await _worker_of(cluster, job_id)
    paused.send_signal(signal.SIGSTOP)
    job = await cluster.until(job_id, attempt=2)
    paused.send_signal(signal.SIGCONT)

    job = await cluster.ended(job_id)

    assert (job.state, job.attempt) == (JOB_STATE_SUCCEEDED, 2)


@pytest.mark.slow
async def test_jobs_submitted_while_the_broker_is_down_run_when_it_is_back(cluster):
    await cluster.start()
    cluster.kill("nats", keep_down=True)
    jobs = [await cluster.submit() for _ in range(3)]
    cluster.kept_down.clear()

    states = [(await cluster.ended(job_id)).state for job_id in jobs]

    assert states == [JOB_STATE_SUCCEEDED] * 3


async def test_a_broker_that_lost_everything_costs_no_job(cluster):
    await cluster.start()
    running = await cluster.submit(seconds=2)
    await cluster.until(running)
    waiting = [await cluster.submit() for _ in range(3)]
    cluster.kill("nats", keep_down=True)
    shutil.rmtree(cluster.home / "nats" / "jetstream")
    cluster.kept_down.clear()

    states = [(await cluster.ended(job_id)).state for job_id in (running, *waiting)]

    assert states == [JOB_STATE_SUCCEEDED] * 4


@pytest.mark.slow
async def test_a_training_that_dies_twice_is_quarantined_and_the_next_job_runs(cluster):
    await cluster.start()

    dying = await cluster.ended(await cluster.submit(dies=True))
    following = await cluster.ended(await cluster.submit())

    assert (dying.state, dying.attempt) == (JOB_STATE_QUARANTINED, 2)
    assert following.state == JOB_STATE_SUCCEEDED


@pytest.mark.slow
async def test_a_cancel_reaches_a_job_whose_worker_is_gone(cluster):
    await cluster.start()
    job_id = await cluster.submit(seconds=30)
    await cluster.until(job_id)
    cluster.kill("worker1", keep_down=True)

    await answered(lambda: cluster.jobs.CancelJob(CancelJobRequest(job_id=job_id), timeout=5))

    assert (await cluster.ended(job_id)).state == JOB_STATE_CANCELLED


async def _worker_of(cluster, job_id):
    """Return the worker's process that trains a job: the one that has a reporting child."""
    await cluster.until(job_id)
    log = {n: (cluster.home / f"{n}.log").read_text() for n in ("worker1", "worker2")}
    (name,) = (n for n, text in log.items() if job_id in text and "attempt starts" in text)
    return cluster.running[name]
