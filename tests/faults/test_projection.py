"""MLflow's projector is down, dies, starts twice: jobs go on, and each run is there once."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from omniscope.common.v1.job_pb2 import JOB_STATE_SUCCEEDED

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]
RUNS = 100


async def test_a_hundred_runs_at_once_after_an_outage_make_one_experiment(cluster):
    await cluster.start(workers=2)
    jobs = [await cluster.submit(seconds=0) for _ in range(RUNS)]
    states = {(await cluster.ended(job_id)).state for job_id in jobs}

    cluster.launch("projector")
    await _projected(cluster, waiting=3 * RUNS)
    cluster.kill("projector")
    await _projected(cluster, waiting=0)

    assert states == {JOB_STATE_SUCCEEDED}
    mlflow = cluster.home / "mlflow.db"
    assert _rows(mlflow, "SELECT count(*), count(DISTINCT name) FROM experiments") == [(2, 2)]
    assert _rows(mlflow, "SELECT status, count(*) FROM runs GROUP BY status") == [
        ("FINISHED", RUNS)
    ]
    tags = _rows(mlflow, "SELECT value FROM tags WHERE key = 'omniscope.job_id'")
    assert sorted(tags) == sorted((job_id,) for job_id in jobs)


async def _projected(cluster, waiting):
    """Wait until at most so many steps wait to be written to MLflow."""
    query = "SELECT count(*) FROM outbox WHERE channel = 'mlflow'"
    while _rows(cluster.home / "registry.db", query)[0][0] > waiting:  # noqa: ASYNC110
        await asyncio.sleep(0.2)


def _rows(database, query):
    with closing(sqlite3.connect(database)) as conn:
        return conn.execute(query).fetchall()
