"""A worker that is killed and started again reports its attempt: nobody waits for the lease."""

import pytest

from omniscope.common.v1.job_pb2 import JOB_STATE_SUCCEEDED
from tests.faults import processes


@pytest.fixture(autouse=True)
def leases_that_outlast_every_test(monkeypatch):
    monkeypatch.setitem(processes.FAST, "OMNISCOPE_REGISTRY_LEASE_SECONDS", "600")


@pytest.mark.slow
async def test_attempt_2_starts_before_the_lease_of_a_killed_worker_has_run_out(cluster):
    await cluster.start()
    job_id = await cluster.submit(seconds=2)
    await cluster.until(job_id)

    cluster.kill("worker1")

    job = await cluster.ended(job_id)
    assert (job.state, job.attempt) == (JOB_STATE_SUCCEEDED, 2)
