"""What a child stores on its way is there for the attempt that follows."""

import asyncio
import hashlib
import json
import os
import time

import pytest

from omniscope.registry.v1.worker_service_pb2 import (
    FAILURE_CAUSE_CRASH,
    FAILURE_CAUSE_PREEMPTED,
    AttemptLease,
    ClaimJobResponse,
)
from omniscope_service.errors import NotFound
from omniscope_service.jobs.checkpoints.manifest import CheckpointError, CheckpointManifest
from omniscope_service.jobs.checkpoints.sender import CheckpointSender
from omniscope_service.jobs.checkpoints.writer import CheckpointWriter
from omniscope_service.jobs.stop import StopSignal


async def stored(scene, job_id):
    return [key for key, _ in await scene.artifacts.list(f"jobs/{job_id}")]


async def counted(scene, **spec):
    """Run an attempt that crashes; return its job and its checkpoints, newest first."""
    job_id = await scene.submit("count", dies=True, **spec)
    await scene.registry.until_ended(job_id)
    return job_id, scene.registry.checkpoints[job_id][::-1]


async def first_phase(scene, **spec):
    job_id = await scene.submit("count", until=0, **spec)
    await scene.registry.until_ended(job_id)
    return scene.registry.events[job_id]


async def test_an_attempt_that_crashes_leaves_its_newest_checkpoint_registered(scene):
    async with scene.working():
        job_id, checkpoints = await counted(scene, until=5)

    assert scene.registry.ended[job_id].cause == FAILURE_CAUSE_CRASH
    assert checkpoints[0].step == 5
    assert checkpoints[0].attempt == 1
    assert checkpoints[0].size_bytes == 1001
    manifest = await scene.artifacts.get_bytes(checkpoints[0].manifest_key)
    assert checkpoints[0].manifest_digest == hashlib.sha256(manifest).hexdigest()


async def test_the_following_attempt_goes_on_from_it(scene):
    async with scene.working():
        _, checkpoints = await counted(scene, until=5)
        events = await first_phase(scene, checkpoints=checkpoints)

    assert "Going on from step 5, which attempt 1 has stored." in [e.log_line.text for e in events]
    assert "from 5" in [e.progress.phase for e in events]


async def test_checkpoints_are_stored_while_the_training_goes_on(scene):
    async with scene.working():
        job_id = await scene.submit("count", until=3, waits=True)
        await scene.registry.until_phase(job_id, "counted")
        await scene.registry.until(
            lambda: any(c.step == 3 for c in scene.registry.checkpoints.get(job_id, []))
        )
        await scene.cancel(job_id)
        await scene.registry.until_ended(job_id)


async def test_a_worker_that_is_stopped_stores_the_newest_one_before_it_hands_the_job_back(scene):
    async with scene.working():
        job_id = await scene.submit("count", until=4, waits=True)
        await scene.registry.until_phase(job_id, "counted")

    assert scene.registry.ended[job_id].cause == FAILURE_CAUSE_PREEMPTED
    assert scene.registry.checkpoints[job_id][-1].step == 4


async def test_a_file_that_did_not_change_is_stored_once_and_what_is_superseded_is_removed(scene):
    async with scene.working():
        job_id, checkpoints = await counted(scene, until=8, paced=True)

    keys = await stored(scene, job_id)
    kept = [c.manifest_key for c in checkpoints[:2]]
    digests: set[str] = set()
    for key in kept:
        digests |= CheckpointManifest.from_json(await scene.artifacts.get_bytes(key)).digests
    assert len(checkpoints) > 2
    assert sorted(key for key in keys if key.endswith(".json")) == sorted(kept)
    assert {key.rpartition("/")[2] for key in keys if "/files/" in key} == digests


@pytest.mark.parametrize("damage", ["manifest", "file", "missing"])
async def test_a_checkpoint_that_does_not_verify_is_passed_over_for_the_one_before(scene, damage):
    async with scene.working():
        _, checkpoints = await counted(scene, until=5, paced=True)
        await damaged(scene.artifacts, checkpoints, damage)
        events = await first_phase(scene, checkpoints=checkpoints)

    assert f"from {checkpoints[1].step}" in [event.progress.phase for event in events]


async def damaged(artifacts, checkpoints, damage):
    newest, older = [
        CheckpointManifest.from_json(await artifacts.get_bytes(stored.manifest_key))
        for stored in checkpoints[:2]
    ]
    (own,) = newest.digests - older.digests
    key = checkpoints[0].manifest_key
    if damage == "manifest":
        await artifacts.put_bytes(key, newest.to_json().replace(b"count", b"mount"))
    elif damage == "file":
        await artifacts.put_bytes(f"{key.rpartition('/')[0]}/files/{own}", b"something else")
    else:
        await artifacts.delete([key])
        with pytest.raises(NotFound):
            await artifacts.get_bytes(key)


async def test_without_any_that_verifies_the_training_starts_over(scene):
    async with scene.working():
        job_id, checkpoints = await counted(scene, until=3)
        await scene.artifacts.delete_prefix(f"jobs/{job_id}")
        events = await first_phase(scene, checkpoints=checkpoints)

    assert "from 0" in [event.progress.phase for event in events]


async def test_an_attempt_that_lost_its_lease_registers_nothing_and_ends(scene):
    scene.registry.heartbeat_seconds = 60
    async with scene.working():
        job_id = await scene.submit("count", until=100_000, paced=True)
        await scene.registry.until(lambda: len(scene.registry.checkpoints.get(job_id, [])) > 1)
        scene.registry.stale.add(job_id)
        known = len(scene.registry.checkpoints[job_id])
        following = await scene.run("succeed")

    assert following.package_key
    assert len(scene.registry.checkpoints[job_id]) == known
    assert job_id not in scene.registry.ended


async def test_a_checkpoint_that_cannot_be_written_costs_the_training_nothing(scene):
    async with scene.working():
        job_id = await scene.submit("checkpoint_missing_file")
        await scene.registry.until_ended(job_id)

    assert scene.registry.ended[job_id].package_key
    assert scene.registry.logged(job_id) == [
        "A checkpoint could not be written: No such file or directory."
    ]


async def test_checkpoints_that_were_passed_over_do_not_stay_on_the_disk(scene, tmp_path):
    state, folder = tmp_path / "state", tmp_path / "checkpoints"
    writer, written = CheckpointWriter(folder), []
    for step, content in enumerate(["a", "bc", "def"]):
        state.write_text(content)
        written.append(writer.write({"state": state}, step))
    grant = ClaimJobResponse(
        lease=AttemptLease(job_id="job", attempt=1, lease_token="0" * 32),
        artifacts_prefix="jobs/job/attempts/1-abc",
    )
    sender = CheckpointSender(
        scene.client.workers, scene.artifacts, grant, folder, stop=StopSignal()
    )
    await sender.put(written[1].name)
    sending = asyncio.create_task(sender.send())
    await sender.drain(30)

    left = {path.name for path in folder.rglob("*") if path.is_file()}

    sending.cancel()
    assert left == {"000003.json", *written[2].digests}
    assert [checkpoint.step for checkpoint in scene.registry.checkpoints["job"]] == [1]


def test_a_file_written_twice_within_a_tick_of_the_clock_is_stored_twice(tmp_path):
    state, writer = tmp_path / "state", CheckpointWriter(tmp_path / "checkpoints")
    just_now = time.time_ns() + 10**9  # however long this test takes

    def written(content):
        state.write_text(content)
        os.utime(state, ns=(just_now, just_now))
        return writer.write({"state": state}, step=1)

    written("1")

    assert written("2").digests == {hashlib.sha256(b"2").hexdigest()}


def test_a_checkpoint_that_fails_half_way_leaves_the_one_before_as_it_was(tmp_path):
    state = tmp_path / "state"
    state.write_bytes(b"first")
    writer = CheckpointWriter(tmp_path / "checkpoints")
    first = writer.write({"state": state}, step=1)
    with pytest.raises(OSError, match="missing"):
        writer.write({"state": state, "more": tmp_path / "missing"}, step=2)

    names = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert names == [f"{first.name}.json", "files"]
    data = (tmp_path / "checkpoints" / names[0]).read_bytes()
    assert CheckpointManifest.from_json(data) == first
    (digest,) = first.digests
    assert (tmp_path / "checkpoints" / "files" / digest).read_bytes() == b"first"


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"files": {"../up": {"sha256": "0" * 64, "size_bytes": 1}}}, "no path within"),
        ({"files": {"/etc/up": {"sha256": "0" * 64, "size_bytes": 1}}}, "no path within"),
        ({"files": {"up": {"sha256": "../" * 20, "size_bytes": 1}}}, "64 hexadecimal digits"),
        ({"files": {"up": {"sha256": "0" * 64}}}, "no manifest"),
        ({"files": []}, "no manifest"),
        ({"format_version": 2}, "format_version is 2"),
    ],
)
def test_a_manifest_cannot_name_a_place_outside_or_another_form(changes, complaint):
    values = {"format_version": 1, "name": "000001", "step": 1, "files": {}} | changes

    with pytest.raises(CheckpointError, match=complaint):
        CheckpointManifest.from_json(json.dumps(values).encode())


def test_what_is_no_json_is_no_manifest():
    with pytest.raises(CheckpointError, match="no manifest"):
        CheckpointManifest.from_json(b"\x00nonsense")
