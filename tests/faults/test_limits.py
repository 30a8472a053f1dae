"""Children that take too much, or say nothing: they end, their worker does not."""

import re

import pytest

from omniscope.common.v1.job_pb2 import JOB_STATE_FAILED, JOB_STATE_SUCCEEDED

MIB = 2**20


@pytest.mark.slow
async def test_a_child_that_takes_too_much_memory_is_killed_and_the_next_job_runs(cluster):
    cluster.extra["FAKE_CHILD_MEMORY_BYTES"] = str(256 * MIB)
    await cluster.start()

    greedy = await cluster.ended(await cluster.submit(holds_bytes=512 * MIB))
    following = await cluster.ended(await cluster.submit())

    assert (greedy.state, greedy.attempt) == (JOB_STATE_FAILED, 1)
    assert (greedy.error.code, greedy.error.reason) == ("RESOURCE_EXHAUSTED", "OUT_OF_MEMORY")
    assert re.search(r"held 0\.[0-9]+ GiB .* may hold 0\.25 GiB", greedy.error.message)
    assert following.state == JOB_STATE_SUCCEEDED


@pytest.mark.slow
async def test_a_child_that_says_nothing_is_stopped_twice_and_the_next_job_runs(cluster):
    cluster.extra["FAKE_SILENCE_SECONDS"] = "1"
    await cluster.start()

    silent = await cluster.ended(await cluster.submit(silent_seconds=60))
    following = await cluster.ended(await cluster.submit())

    assert (silent.state, silent.attempt) == (JOB_STATE_FAILED, 2)
    assert silent.error.reason == "TRAINING_STALLED"
    assert following.state == JOB_STATE_SUCCEEDED
