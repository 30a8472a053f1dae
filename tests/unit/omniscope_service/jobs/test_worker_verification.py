"""A worker whose package the registry verifies: it waits, and can be told to stop that."""

import pytest

from omniscope.registry.v1 import worker_service_pb2 as messages
from omniscope.registry.v1.worker_service_pb2 import CompleteJobRequest
from tests.unit.omniscope_service.jobs.conftest import warm


async def test_a_worker_waits_for_a_verification_however_long_and_keeps_its_lease(scene):
    scene.registry.verifies, scene.registry.heartbeat_seconds = True, 0.1
    async with scene.working():
        job = await scene.submit("succeed")
        await scene.registry.until(lambda: scene.registry.completing[job] >= 20)
        beats = scene.registry.beats.count(job)
        await scene.registry.until(lambda: scene.registry.beats.count(job) > beats + 2)
        scene.registry.verifies = False
        ended = await scene.registry.until_ended(job)

    assert isinstance(ended, CompleteJobRequest)


async def test_a_cancel_ends_the_wait_for_a_verification(scene):
    scene.registry.verifies = True
    async with scene.working():
        job = await scene.submit("succeed")
        await scene.registry.until(lambda: scene.registry.completing[job])
        await scene.cancel(job)
        ended = await scene.registry.until_ended(job)

    assert ended.cause == messages.FAILURE_CAUSE_CANCELLED


@pytest.mark.parametrize(
    ("limits", "settings"),
    [({"hard_limit_seconds": 1}, {}), ({}, {"silence_seconds": 1})],
    ids=["hard limit", "silence"],
)
@pytest.mark.parametrize(
    ("end", "cause"),
    [
        ("cancelled", messages.FAILURE_CAUSE_CANCELLED),
        ("overdue", messages.FAILURE_CAUSE_DEADLINE),
        ("stopped", messages.FAILURE_CAUSE_PREEMPTED),
    ],
)
async def test_the_wait_for_the_verification_of_what_a_limit_stopped_can_be_ended(
    scene, limits, settings, end, cause
):
    scene.registry.verifies, scene.registry.heartbeat_seconds = True, 0.1
    async with scene.working(**settings) as worker:
        await warm(worker)
        job = await scene.submit("finish_when_asked", **limits)
        await scene.registry.until(lambda: scene.registry.completing[job] >= 3)
        if end != "stopped":
            getattr(scene.registry, end).add(job)
            await scene.registry.until_ended(job)

    assert scene.registry.ended[job].cause == cause


async def test_a_worker_that_is_stopped_hands_back_a_job_whose_package_is_verified(scene):
    scene.registry.verifies = True
    async with scene.working():
        job = await scene.submit("succeed")
        await scene.registry.until(lambda: scene.registry.completing[job])

    assert scene.registry.ended[job].cause == messages.FAILURE_CAUSE_PREEMPTED


async def test_a_package_that_is_verified_in_time_counts_although_its_worker_is_stopped(scene):
    async with scene.working() as worker:
        await warm(worker)
        job = await scene.submit("finish_when_asked")
        await scene.registry.until_phase(job, "waiting")

    assert isinstance(scene.registry.ended[job], CompleteJobRequest)
