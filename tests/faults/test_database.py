"""The registry's database is locked, or goes away: no half transition, no lost attempt."""

import asyncio
import signal
import sys

import psutil
import pytest

from omniscope.common.v1.job_pb2 import JOB_STATE_SUCCEEDED
from omniscope_registry.database import Database
from omniscope_service.errors import Unavailable
from tests.faults.case import case
from tests.faults.cluster import Cluster
from tests.faults.processes import LONG_LEASE

LOCK = """
import sqlite3, sys, time
conn = sqlite3.connect(sys.argv[1], isolation_level=None)
conn.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
time.sleep(float(sys.argv[2]))
conn.execute("ROLLBACK")
"""


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [3, 8])  # within the time that a writer waits, and beyond
async def test_a_file_that_another_process_locks_delays_and_loses_nothing(cluster, seconds):
    cluster.extra |= LONG_LEASE
    await cluster.start()
    running = await cluster.submit(seconds=seconds + 1)
    await cluster.until(running)
    locking = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", LOCK, str(cluster.home / "registry.db"), str(seconds)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert locking.stdout is not None
    await locking.stdout.readline()

    meanwhile = await cluster.submit()

    ended = [await cluster.ended(job_id) for job_id in (running, meanwhile)]
    assert {(job.state, job.attempt) for job in ended} == {(JOB_STATE_SUCCEEDED, 1)}
    assert await locking.wait() == 0


async def test_a_postgresql_whose_socket_is_gone_is_an_outage(tmp_path):
    with pytest.raises(Unavailable):
        await Database.open(f"postgresql+asyncpg://postgres@/registry?host={tmp_path}")


@pytest.mark.slow
async def test_a_postgresql_that_crashes_costs_no_attempt(home, postgres_url, _postgres):  # noqa: PT019
    async with case(Cluster(home, postgres_url)) as cluster:
        cluster.extra |= LONG_LEASE
        await cluster.start(workers=2)
        running = await cluster.submit(seconds=4)
        await cluster.until(running)

        crashed = psutil.Process(_postgres.get_pid())
        crashed.send_signal(signal.SIGQUIT)
        await asyncio.to_thread(crashed.wait)
        submitting = asyncio.create_task(cluster.submit())
        await asyncio.sleep(1)
        await asyncio.to_thread(_postgres.ensure_postgres_running)

        ended = [await cluster.ended(job_id) for job_id in (running, await submitting)]
        assert {(job.state, job.attempt) for job in ended} == {(JOB_STATE_SUCCEEDED, 1)}


@pytest.mark.slow
async def test_two_registries_on_one_postgresql_stand_in_for_each_other(home, postgres_url):
    async with case(Cluster(home, postgres_url)) as cluster:
        await cluster.start(workers=2, registries=2)
        jobs = [await cluster.submit(seconds=2) for _ in range(4)]

        for name in ("registry", "registry2"):
            cluster.kill(name)
            jobs.append(await cluster.submit())

        states = {(await cluster.ended(job_id)).state for job_id in jobs}
        assert states == {JOB_STATE_SUCCEEDED}
