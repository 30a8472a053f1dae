"""Calls about one job at the same time: one of them wins, and a repetition is no rival."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import update

from omniscope_registry.jobs.domain import JobTimes
from omniscope_registry.jobs.loops.reaper import Reaper
from omniscope_registry.tables.jobs import job_attempts, training_jobs
from omniscope_registry.tables.models import ml_models
from omniscope_service.errors import Aborted, ServiceError
from tests.grpc.registry.jobs.job_stores import JobStores

AT_ONCE = JobTimes(lease=timedelta(0))
ROUNDS = range(5)


@pytest.fixture
async def stores(database, tmp_path):
    return await JobStores.open(database, tmp_path)


async def _together(*calls):
    """Return the answers, and in place of refusals their reasons."""
    answers = await asyncio.gather(*calls, return_exceptions=True)
    return [answer.reason if isinstance(answer, ServiceError) else answer for answer in answers]


async def test_completing_several_times_at_once_makes_one_model(stores):
    for _ in ROUNDS:
        held = await stores.running()

        models = await asyncio.gather(*(stores.complete(held) for _ in range(4)))

        of_job = ml_models.c.job_id == held.lease.job_id
        assert {*models} == {row.id for row in await stores.rows(ml_models, of_job)}


async def test_failing_several_times_at_once_fails_once(stores):
    for _ in ROUNDS:
        held = await stores.running()

        states = await asyncio.gather(*(stores.fail(held.lease, "crash") for _ in range(4)))

        assert states == ["queued"] * 4
        assert (await stores.job(held.lease.job_id)).last_sequence == 3


async def test_of_a_completion_and_a_failure_at_once_one_is_stale(stores):
    for _ in ROUNDS:
        held = await stores.running()

        answers = await _together(stores.complete(held), stores.fail(held.lease, "user_error"))

        assert answers.count("STALE_ATTEMPT") == 1
        job = await stores.job(held.lease.job_id)
        assert job.status == ("failed" if job.model_id is None else "succeeded")


async def test_a_cancel_and_a_claim_at_once_leave_a_job_that_is_told_to_end(stores):
    for _ in ROUNDS:
        job_id = await stores.submit()

        cancelled, claimed = await _together(stores.cancel(job_id), stores.claim())

        if cancelled == "cancelled":
            assert claimed is None
        else:
            assert (await stores.attempts.heartbeat(claimed.lease)).cancel


async def test_cancelling_several_times_at_once_is_one_cancel(stores):
    for _ in ROUNDS:
        held = await stores.running()

        states = await asyncio.gather(*(stores.cancel(held.lease.job_id) for _ in range(4)))

        assert states == ["running"] * 4
        assert (await stores.job(held.lease.job_id)).last_sequence == 3


async def test_a_worker_that_completes_while_it_is_taken_for_lost_has_won_or_is_told(
    stores, database
):
    for _ in ROUNDS:
        held = await stores.running()
        async with database.write() as conn:
            lapsed = update(training_jobs).where(training_jobs.c.id == held.lease.job_id)
            await conn.execute(lapsed.values(lease_until=training_jobs.c.created_at))

        completed, reaped = await _together(
            stores.complete(held), Reaper(database, AT_ONCE).reap()
        )

        assert reaped == (completed == "STALE_ATTEMPT")
        of_job = job_attempts.c.job_id == held.lease.job_id
        (attempt,) = await stores.rows(job_attempts, of_job)
        assert attempt.outcome == ("lost" if reaped else "succeeded")


async def test_an_old_attempt_stays_stale_whatever_the_new_one_does(stores):
    old = await stores.running()
    await stores.fail(old.lease, "preempted")
    new = await stores.claim()

    late, model_id = await _together(stores.complete(old), stores.complete(new))

    assert late == "STALE_ATTEMPT"
    assert (await stores.job(new.lease.job_id)).model_id == model_id
    with pytest.raises(Aborted):
        await stores.attempts.heartbeat(old.lease)
