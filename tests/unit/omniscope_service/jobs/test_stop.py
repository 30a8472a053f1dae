"""Limits that end an attempt although nobody asked, and the end of its processes with it."""

import asyncio
import json
import os
import signal
from pathlib import Path

import psutil

from omniscope.registry.v1 import worker_service_pb2 as messages
from omniscope.registry.v1.worker_service_pb2 import CompleteJobRequest

MIB = 2**20


def alive(pid):
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


async def test_a_child_that_takes_too_much_memory_is_killed_and_the_worker_goes_on(scene):
    async with scene.working(child_memory_bytes=200 * MIB):
        failed = await scene.run("hoard", held_bytes=400 * MIB)
        following = await scene.run("succeed")

    assert failed.cause == messages.FAILURE_CAUSE_OUT_OF_MEMORY
    assert failed.error.reason == "OUT_OF_MEMORY"
    assert "may hold 0.20 GiB" in failed.error.message
    assert isinstance(following, CompleteJobRequest)


async def test_a_child_that_says_nothing_for_too_long_has_stalled(scene):
    async with scene.working(silence_seconds=0.5, grace_seconds=0.1):
        failed = await scene.run("wait_stubbornly")
        following = await scene.run("succeed")

    assert failed.cause == messages.FAILURE_CAUSE_STALLED
    assert failed.error.reason == "TRAINING_STALLED"
    assert isinstance(following, CompleteJobRequest)


async def test_the_deadline_of_a_job_ends_its_attempt(scene):
    async with scene.working():
        failed = await scene.run("wait", deadline_seconds=0.5)

    assert failed.cause == messages.FAILURE_CAUSE_DEADLINE
    assert (failed.error.reason, failed.error.field) == (
        "JOB_DEADLINE_EXCEEDED", "deadline_seconds"
    )  # fmt: skip


async def test_what_is_usable_at_the_deadline_counts(scene):
    async with scene.working() as worker:
        worker.warm_up()
        await worker._warm._warming
        ended = await scene.run("finish_when_asked", deadline_seconds=2)

    assert isinstance(ended, CompleteJobRequest)
    assert ended.stopped_early


async def test_a_deadline_that_comes_with_a_heartbeat_is_kept(scene):
    scene.registry.heartbeat_seconds = 0.05
    async with scene.working():
        job = await scene.submit("wait")
        await scene.registry.until_phase(job, "waiting")
        scene.registry.overdue.add(job)
        failed = await scene.registry.until_ended(job)

    assert failed.error.reason == "JOB_DEADLINE_EXCEEDED"


async def test_a_supervisor_that_is_killed_leaves_no_process_behind(scene):
    async with scene.working():
        job = await scene.submit("leave_detached")
        await scene.registry.until(lambda: scene.registry.events.get(job))
        supervisor, child, detached = json.loads(scene.registry.logged(job)[0])
        os.kill(supervisor, signal.SIGKILL)
        failed = await scene.registry.until_ended(job)

    assert failed.error.reason == "TRAINING_CRASHED"
    assert "SIGKILL" in failed.error.message
    assert not any(map(alive, [supervisor, child, detached]))


async def test_the_kernel_would_take_the_child_before_the_worker(scene):
    async with scene.working() as worker:
        worker.warm_up()
        child = await worker._warm._warming
        (trainer,) = psutil.Process(child.pid).children()
        score = await asyncio.to_thread(Path(f"/proc/{trainer.pid}/oom_score_adj").read_text)

    assert int(score) == 1000
