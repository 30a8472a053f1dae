"""What attempts left behind is removed a while after the end of their job; models stay."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from omniscope.common.v1.job_pb2 import JobState
from omniscope.registry.v1 import worker_service_pb2 as messages
from omniscope.registry.v1.job_service_pb2 import DeleteJobRequest, GetJobRequest
from omniscope_registry.jobs.loops.collector import AttemptCollector
from omniscope_registry.tables.jobs import job_checkpoints
from omniscope_service.artifacts import ArtifactStore

AT_ONCE = timedelta(0)
DAY = timedelta(hours=24)


async def _leave(registry, grant, *names):
    """Write a package and registered checkpoints, as an attempt does."""
    prefix = grant.artifacts_prefix
    await registry.artifacts.put_bytes(f"{prefix}/package/manifest.json", b"{}")
    for name in names:
        key = f"{prefix}/checkpoints/{name}.json"
        await registry.artifacts.put_bytes(key, b"{}")
        await registry.artifacts.put_bytes(f"{prefix}/checkpoints/files/{name}", b"weights")
        checkpoint = messages.StoredCheckpoint(
            name=name, step=1, manifest_key=key, manifest_digest="c" * 64, size_bytes=9
        )
        await registry.worker.RegisterCheckpoint(
            messages.RegisterCheckpointRequest(lease=grant.lease, checkpoint=checkpoint)
        )


async def _kept(registry, grant):
    """Return the names of what is left of an attempt."""
    prefix = grant.artifacts_prefix
    return {key.removeprefix(f"{prefix}/") for key, _ in await registry.artifacts.list(prefix)}


async def _checkpoints(database):
    async with database.read() as conn:
        return await conn.scalar(select(func.count()).select_from(job_checkpoints))


async def test_only_the_model_of_a_job_is_left_when_it_has_succeeded(registry, database):
    lost = await registry.running()
    await _leave(registry, lost, "a", "b", "c")
    await registry.fail(lost.lease, "PREEMPTED")
    won = await registry.claim(lost.lease.job_id)
    await _leave(registry, won, "d")
    model_id = await registry.complete(won)
    collector = AttemptCollector(database, registry.artifacts, AT_ONCE)

    assert await collector.collect() == 2
    assert await collector.collect() == 0

    assert await _kept(registry, lost) == set()
    assert await _kept(registry, won) > {"package/results.json", "package/manifest.json"}
    assert not any(name.startswith("checkpoints") for name in await _kept(registry, won))
    assert await _checkpoints(database) == 0
    job = await registry.jobs.GetJob(GetJobRequest(job_id=won.lease.job_id))
    assert (job.state, job.model_id) == (JobState.JOB_STATE_SUCCEEDED, model_id)


@pytest.mark.parametrize("cause", ["USER_ERROR", "DEADLINE"])
async def test_nothing_is_left_of_a_job_without_a_model(registry, database, cause):
    grant = await registry.running()
    await _leave(registry, grant, "a")
    await registry.fail(grant.lease, cause)

    assert await AttemptCollector(database, registry.artifacts, AT_ONCE).collect() == 1
    assert await _kept(registry, grant) == set()


async def test_what_a_job_left_is_kept_for_its_time(registry, database):
    grant = await registry.running()
    await _leave(registry, grant, "a")
    await registry.fail(grant.lease, "USER_ERROR")
    before = await _kept(registry, grant)

    assert await AttemptCollector(database, registry.artifacts, DAY).collect() == 0
    assert await _kept(registry, grant) == before


async def test_checkpoints_of_a_job_that_has_not_ended_are_never_taken(registry, database):
    grant = await registry.running()
    await _leave(registry, grant, "a")
    await registry.fail(grant.lease, "PREEMPTED")

    assert await AttemptCollector(database, registry.artifacts, AT_ONCE).collect() == 0
    assert [c.name for c in (await registry.claim(grant.lease.job_id)).checkpoints] == ["a"]


async def test_a_job_that_was_deleted_is_collected_too(registry, database):
    grant = await registry.running()
    await _leave(registry, grant, "a")
    await registry.fail(grant.lease, "USER_ERROR")
    await registry.jobs.DeleteJob(DeleteJobRequest(job_id=grant.lease.job_id))

    assert await AttemptCollector(database, registry.artifacts, AT_ONCE).collect() == 1
    assert await _kept(registry, grant) == set()


async def test_what_the_store_did_not_delete_comes_again(registry, database, tmp_path):
    grant = await registry.running()
    await _leave(registry, grant, "a")
    await registry.fail(grant.lease, "USER_ERROR")
    unreachable = ArtifactStore.open("s3://bucket?endpoint=http://127.0.0.1:1")

    assert await AttemptCollector(database, unreachable, AT_ONCE).collect() == 0

    assert await AttemptCollector(database, registry.artifacts, AT_ONCE).collect() == 1


async def test_a_step_takes_a_bounded_number_of_attempts(registry, database, monkeypatch):
    monkeypatch.setattr("omniscope_registry.jobs.loops.collector._BATCH", 2)
    for _ in range(3):
        await registry.fail((await registry.running()).lease, "USER_ERROR")
    collector = AttemptCollector(database, registry.artifacts, AT_ONCE)

    assert [await collector.collect() for _ in range(3)] == [2, 1, 0]
