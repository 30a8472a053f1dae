"""Attempts of a killed worker, which the worker that starts after it reports."""

import asyncio
import json
import os
import stat
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from omniscope.registry.v1 import worker_service_pb2 as messages
from omniscope.registry.v1.worker_service_pb2 import CompleteJobRequest
from omniscope_registry.jobs.checking import failure_from_proto
from omniscope_service.errors import Unavailable
from omniscope_service.jobs import process_tree
from omniscope_service.jobs.lost_attempts import RunningAttempts
from omniscope_service.jobs.work_folder import WorkFolder

PROCESS = Path(__file__).parent / "worker_process.py"


@pytest.fixture
def killed_worker(scene, nats_url):
    """Runs a worker in a process until the block ends, by SIGKILL."""

    @asynccontextmanager
    async def start():
        environment = {
            "OMNISCOPE_HOME": str(scene.home),
            "OMNISCOPE_NATS_URL": nats_url,
            "OMNISCOPE_REGISTRY_TARGET": scene.target,
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, PROCESS, scene.service, env=os.environ | environment
        )
        try:
            yield
        finally:
            process.kill()
            await process.wait()

    return start


async def _killed_in_training(scene, killed_worker):
    """Have a worker killed while it trains; return the job and the attempt's record."""
    job = await scene.submit("wait")
    async with killed_worker():
        await scene.registry.until_phase(job, "waiting")
        (left,) = (scene.home / "work").glob("*/*.lease")
    return job, left


async def test_a_running_attempt_leaves_a_record_that_only_its_user_can_read(scene):
    async with scene.working() as worker:
        job = await scene.submit("wait")
        await scene.registry.until_phase(job, "waiting")
        folder = scene.home / "work" / worker.worker_id
        (path,) = folder.glob("*.lease")
        record = json.loads(path.read_text())

        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert (record["job_id"], record["attempt"]) == (job, 1)
        assert len(record["lease_token"]) == 32
        assert psutil.Process(record["pid"]).children()
        await scene.cancel(job)
        await scene.registry.until_ended(job)
        await scene.run("succeed")

    assert not list((scene.home / "work").iterdir())


async def test_the_next_worker_reports_the_attempt_of_a_killed_one_at_once(scene, killed_worker):
    job, left = await _killed_in_training(scene, killed_worker)

    async with scene.working():
        failed = await scene.registry.until_ended(job)
        following = await scene.run("succeed")

    assert failed.cause == messages.FAILURE_CAUSE_INFRASTRUCTURE
    assert (failed.error.code, failed.error.reason) == ("UNAVAILABLE", "WORKER_LOST")
    assert "worker process ended" in failed.error.message
    failure_from_proto(failed)  # the registry takes it
    assert isinstance(following, CompleteJobRequest)
    assert not left.parent.exists()


async def test_an_attempt_that_had_ended_otherwise_is_left_as_it_is(scene, killed_worker):
    job, left = await _killed_in_training(scene, killed_worker)
    scene.registry.stale.add(job)

    async with scene.working():
        while left.parent.exists():  # noqa: ASYNC110 - nothing tells when it goes
            await asyncio.sleep(0.01)
        following = await scene.run("succeed")

    assert job not in scene.registry.ended
    assert isinstance(following, CompleteJobRequest)


async def test_what_could_not_be_reported_is_left_to_the_worker_after_the_next(
    scene, killed_worker
):
    job, left = await _killed_in_training(scene, killed_worker)
    scene.registry.away = Unavailable("The registry is away.", reason="REGISTRY_AWAY")
    async with scene.working():
        await scene.registry.until(lambda: scene.registry.refused)
    assert left.exists()

    scene.registry.away = None
    async with scene.working():
        failed = await scene.registry.until_ended(job)

    assert failed.error.reason == "WORKER_LOST"


async def test_the_attempts_of_a_living_worker_are_not_reported(scene):
    async with scene.working():
        job = await scene.submit("wait")
        await scene.registry.until_phase(job, "waiting")
        async with scene.working():
            await scene.run("succeed")

        assert job not in scene.registry.ended


async def test_a_record_of_another_version_stops_no_worker(scene):
    WorkFolder.open(scene.home / "work" / "dead").release()
    (scene.home / "work" / "dead" / "a-1.lease").write_text('{"job": "a"}')

    async with scene.working():
        ended = await scene.run("succeed")

    assert isinstance(ended, CompleteJobRequest)


def test_a_child_of_our_own_is_not_taken_for_one_that_a_dead_worker_has_left():
    with subprocess.Popen(["sleep", "600"], env=os.environ | {process_tree.MARK: "ours"}) as child:
        process_tree.wait_for_end(child.pid, 600)

        assert child.poll() is None
        child.kill()


def test_folders_of_living_workers_cannot_be_taken_over_and_those_of_dead_ones_only_once(
    tmp_path,
):
    living = WorkFolder.open(tmp_path / "living")
    WorkFolder.open(tmp_path / "dead").release()

    (taken,) = WorkFolder.take_over(tmp_path)
    assert WorkFolder.take_over(tmp_path) == []
    assert taken.path == tmp_path / "dead"
    taken.remove()
    living.remove()

    assert not list(tmp_path.iterdir())


def test_a_record_is_read_as_it_was_written(tmp_path):
    lease = messages.AttemptLease(job_id="a" * 26, attempt=3, lease_token="0" * 32)
    running = RunningAttempts(tmp_path)

    running.add(lease)
    running.set_child(lease, 17)
    (record,) = running.list()
    running.remove(lease)

    assert (record.lease, record.pid) == (lease, 17)
    assert "0" * 32 not in repr(record)
    assert running.list() == []
