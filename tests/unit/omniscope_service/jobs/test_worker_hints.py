"""A worker between jobs: when it claims, and what becomes of the hint that woke it."""

import asyncio

from omniscope.registry.v1.worker_service_pb2 import CompleteJobRequest
from omniscope_service.errors import PermissionDenied, Unavailable


async def test_a_hint_without_work_is_removed_and_the_next_one_is_heard(scene):
    async with scene.working():
        await scene.registry.until(lambda: scene.registry.claims)
        await scene.hint()
        await scene.registry.until(lambda: len(scene.registry.claims) == 2)
        ended = await scene.run("succeed")
        # After its job the worker asks once more, and then because of the hint that it passed on.
        await scene.registry.until(lambda: len(scene.registry.claims) == 5)

    assert isinstance(ended, CompleteJobRequest)
    assert await scene.bus.hints(scene.service, "cpu").fetch(0.1) is None


async def test_a_worker_whose_claims_are_refused_leaves_the_hint_to_others(scene, monkeypatch):
    monkeypatch.setattr("omniscope_service.jobs.worker._AGAIN_SECONDS", (1.0, 1.0))
    scene.registry.away = PermissionDenied("Not this one.", reason="PERMISSION_DENIED")
    async with scene.working():
        await scene.registry.until(lambda: scene.registry.claims)
        await scene.hint()
        await scene.registry.until(lambda: len(scene.registry.claims) == 2)

    assert await scene.bus.hints(scene.service, "cpu").fetch(10) is not None


async def test_a_worker_without_work_waits_for_a_hint_and_does_not_ask_again_and_again(scene):
    async with scene.working():
        await scene.registry.until(lambda: scene.registry.claims)
        await scene.run("succeed")
        await scene.registry.until(lambda: len(scene.registry.claims) == 4)
        await asyncio.sleep(1)  # several fetches

    assert len(scene.registry.claims) == 4


async def test_a_worker_whose_registry_was_away_claims_what_waits_without_a_hint(
    scene, monkeypatch
):
    monkeypatch.setattr("omniscope_service.jobs.worker._CLAIM_SECONDS", 0.5)
    scene.registry.away = Unavailable("It is away.", reason="DATABASE_UNAVAILABLE")
    async with scene.working():
        job = await scene.submit("succeed")
        await scene.registry.until(lambda: len(scene.registry.claims) > 5)
        scene.registry.away = None
        ended = await scene.registry.until_ended(job)

    assert isinstance(ended, CompleteJobRequest)


async def test_a_worker_that_is_stopped_while_its_registry_is_away_claims_no_more(scene):
    scene.registry.away = Unavailable("It is away.", reason="DATABASE_UNAVAILABLE")
    async with scene.working():
        await scene.registry.until(lambda: scene.registry.claims)
    claims = len(scene.registry.claims)

    await asyncio.sleep(1)  # several of the pauses between two claims

    assert len(scene.registry.claims) == claims
