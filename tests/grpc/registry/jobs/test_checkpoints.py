"""RegisterCheckpoint, and what the next attempt is told."""

import pytest

from omniscope.registry.v1 import worker_service_pb2 as messages
from omniscope.registry.v1.job_service_pb2 import ListJobEventsRequest
from omniscope.registry.v1.projection_service_pb2 import Projection
from omniscope_registry import outbox
from omniscope_service.errors import Aborted, InvalidArgument


def _checkpoint(grant, name, /, **fields):
    defaults = {
        "name": name,
        "step": 1,
        "manifest_key": f"{grant.artifacts_prefix}/checkpoints/{name}.json",
        "manifest_digest": "c" * 64,
        "size_bytes": 10,
    }
    return messages.RegisterCheckpointRequest(
        lease=grant.lease, checkpoint=messages.StoredCheckpoint(**defaults | fields)
    )


async def _events(registry, job_id):
    answer = await registry.jobs.ListJobEvents(ListJobEventsRequest(job_id=job_id))
    return [event for event in answer.events if event.HasField("checkpoint")]


async def test_the_next_attempt_is_told_the_newest_two(registry):
    grant = await registry.running()
    superseded = [
        (await registry.worker.RegisterCheckpoint(_checkpoint(grant, name, step=step)))
        for step, name in enumerate(["a", "b", "c"])
    ]
    await registry.fail(grant.lease, "PREEMPTED")

    following = await registry.claim(grant.lease.job_id)

    assert [(stored.attempt, stored.name) for stored in following.checkpoints] == [
        (1, "c"), (1, "b")
    ]  # fmt: skip
    assert [list(answer.superseded_manifest_keys) for answer in superseded] == [
        [], [], [f"{grant.artifacts_prefix}/checkpoints/a.json"]
    ]  # fmt: skip
    assert not grant.checkpoints


async def test_mlflow_is_told_which_checkpoint_an_attempt_resumes_from(registry, database):
    grant = await registry.running()
    for step, name in [(3, "a"), (5, "b")]:
        await registry.worker.RegisterCheckpoint(_checkpoint(grant, name, step=step))
    await registry.fail(grant.lease, "PREEMPTED")

    await registry.claim(grant.lease.job_id)

    async with database.read() as conn:
        projections = await outbox.pending(conn, "mlflow", 100)
    started = [
        projection.run_started
        for projection in (Projection.FromString(row.payload) for row in projections)
        if projection.HasField("run_started")
    ]
    assert [(run.attempt, run.resumed_attempt, run.resumed_step) for run in started] == [
        (1, 0, 0), (2, 1, 5)
    ]  # fmt: skip


async def test_watchers_see_a_checkpoint_once_however_often_it_is_told(registry):
    grant = await registry.running()

    for _ in range(3):
        await registry.worker.RegisterCheckpoint(_checkpoint(grant, "a", size_bytes=7))

    (event,) = await _events(registry, grant.lease.job_id)
    assert (event.checkpoint.name, event.checkpoint.size_bytes) == ("a", 7)


async def test_a_checkpoint_of_an_attempt_that_is_over_is_refused(registry, refused):
    grant = await registry.running()
    await registry.fail(grant.lease, "PREEMPTED")
    following = await registry.claim(grant.lease.job_id)

    error = await refused(registry.worker.RegisterCheckpoint(_checkpoint(grant, "late")))

    assert isinstance(error, Aborted)
    assert error.reason == "STALE_ATTEMPT"
    assert not following.checkpoints
    assert not await _events(registry, grant.lease.job_id)


async def test_a_checkpoint_outside_of_the_attempts_folder_is_refused(registry, refused):
    grant = await registry.running()
    elsewhere = _checkpoint(grant, "a", manifest_key="jobs/other/attempts/1/checkpoints/a.json")

    error = await refused(registry.worker.RegisterCheckpoint(elsewhere))

    assert isinstance(error, InvalidArgument)
    assert error.reason == "CHECKPOINT_KEY_INVALID"


@pytest.mark.parametrize(
    "fields", [{"name": "a b"}, {"manifest_digest": "?"}, {"step": -1}, {"size_bytes": -1}]
)
async def test_a_field_that_is_wrong_is_named(registry, refused, fields):
    grant = await registry.running()

    error = await refused(registry.worker.RegisterCheckpoint(_checkpoint(grant, "a", **fields)))

    assert error.field == f"checkpoint.{next(iter(fields))}"
