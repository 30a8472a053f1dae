"""Registries and workers go and come back, as in every rollout: no job fails for it."""

import asyncio
import subprocess
import sys

import grpc
import pytest

from omniscope.common.v1.job_pb2 import JOB_STATE_SUCCEEDED
from omniscope.registry.v1.job_service_pb2 import GetJobRequest, ListJobsRequest
from tests.faults.cluster import answered
from tests.faults.evidence import collect
from tests.faults.processes import LONG_LEASE


@pytest.mark.slow
async def test_trainings_go_on_while_the_registry_is_away_for_longer_than_a_lease(cluster):
    cluster.extra |= LONG_LEASE
    await cluster.start(workers=2)
    jobs = [await cluster.submit(seconds=30) for _ in range(2)]
    for job_id in jobs:
        await cluster.until(job_id)

    cluster.kill("registry", keep_down=True)
    with pytest.raises(grpc.aio.AioRpcError) as away:
        await cluster.jobs.GetJob(GetJobRequest(job_id=jobs[0]), timeout=5)
    await asyncio.sleep(15)
    cluster.bring_up("registry")

    assert away.value.code() == grpc.StatusCode.UNAVAILABLE
    ended = [await cluster.ended(job_id) for job_id in jobs]
    assert {(job.state, job.attempt) for job in ended} == {(JOB_STATE_SUCCEEDED, 1)}


@pytest.mark.slow
async def test_a_worker_that_is_told_to_stop_hands_its_job_back_at_once(cluster):
    await cluster.start()
    job_id = await cluster.submit(seconds=1)
    await cluster.until(job_id)

    assert await cluster.restart("worker1") == 0

    assert (await cluster.ended(job_id)).state == JOB_STATE_SUCCEEDED
    assert await _outcomes(cluster, job_id) == ["preempted", "succeeded"]


@pytest.mark.slow
async def test_a_rolling_restart_under_load_fails_no_job_and_ends_no_watch(cluster):
    cluster.extra |= LONG_LEASE
    await cluster.start(workers=2)
    jobs = [await cluster.submit(seconds=1.5) for _ in range(8)]
    watching = [asyncio.create_task(cluster.watch(job_id)) for job_id in jobs]

    statuses = []
    for name in ("worker1", "registry", "worker2", "registry"):
        statuses.append(await cluster.restart(name))
        await asyncio.sleep(1)

    assert statuses == [0] * 4
    states = {(await cluster.ended(job_id)).state for job_id in jobs}
    assert states == {JOB_STATE_SUCCEEDED}
    await asyncio.gather(*watching)
    outcomes = {outcome for job_id in jobs for outcome in await _outcomes(cluster, job_id)}
    assert outcomes == {"preempted", "succeeded"}


@pytest.mark.slow
async def test_a_second_registry_on_one_file_refuses_to_start(cluster):
    await cluster.start(workers=0)
    await answered(lambda: cluster.jobs.ListJobs(ListJobsRequest(), timeout=5))

    second = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "omniscope_registry", "serve"],
        env=cluster.environment("registry2"),
        cwd=cluster.home,
        capture_output=True,
        check=False,
    )

    assert second.returncode == 78
    assert b"another registry has" in second.stderr


async def _outcomes(cluster, job_id):
    evidence = await collect(cluster.home, cluster.database_url)
    return [row.outcome for row in evidence.attempts[job_id]]
