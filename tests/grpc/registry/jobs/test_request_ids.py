"""Request ids are kept for a day and free afterwards; what they made stays."""

import asyncio
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from omniscope.registry.v1.job_service_pb2 import GetJobRequest
from omniscope_registry.request_ids import LIFETIME, RequestIdExpiry
from omniscope_registry.tables.datasets import datasets
from omniscope_registry.tables.jobs import training_jobs

_MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def only_when_asked(monkeypatch):
    """Keep the registry's own expiry, whose first step comes at some moment, out of the way."""

    async def idle(_):
        await asyncio.Event().wait()

    monkeypatch.setattr(RequestIdExpiry, "run", idle)


async def _made_before(database, table, age):
    async with database.write() as conn:
        await conn.execute(update(table).values(created_at=database.now(-age)))


async def _request_id(database, table):
    async with database.read() as conn:
        return await conn.scalar(select(table.c.request_id))


@pytest.mark.parametrize("ended", [False, True])
async def test_a_request_id_that_is_a_day_old_makes_another_job(registry, database, ended):
    request_id = str(uuid.uuid4())
    first = await registry.submit(request_id=request_id)
    if ended:
        await registry.cancel(first.job_id)
    before = await registry.jobs.GetJob(GetJobRequest(job_id=first.job_id))
    await _made_before(database, training_jobs, LIFETIME + _MINUTE)

    assert await RequestIdExpiry(database).free() == 1

    again = await registry.submit(request_id=request_id, description="another")
    after = await registry.jobs.GetJob(GetJobRequest(job_id=first.job_id))
    assert again.job_id != first.job_id
    assert (after.state, after.last_sequence) == (before.state, before.last_sequence)


async def test_a_younger_request_id_still_finds_its_job(registry, database):
    request_id = str(uuid.uuid4())
    first = await registry.submit(request_id=request_id)
    await _made_before(database, training_jobs, LIFETIME - _MINUTE)

    assert await RequestIdExpiry(database).free() == 0
    assert (await registry.submit(request_id=request_id)).job_id == first.job_id


async def test_more_ids_than_one_batch_holds_are_freed_at_once(registry, database, monkeypatch):
    monkeypatch.setattr("omniscope_registry.request_ids._BATCH", 2)
    for _ in range(5):
        await registry.submit(request_id=str(uuid.uuid4()))
    await registry.submit()
    await _made_before(database, training_jobs, LIFETIME + _MINUTE)

    assert await RequestIdExpiry(database).free() == 5
    assert await RequestIdExpiry(database).free() == 0


async def test_the_request_id_of_an_old_upload_is_free_too(registry, database):
    async with database.write() as conn:
        used = {"request_id": str(uuid.uuid4()), "request_hash": "0" * 64}
        await conn.execute(update(datasets).values(used))
    await _made_before(database, datasets, LIFETIME + _MINUTE)

    assert await RequestIdExpiry(database).free() == 1
    assert await _request_id(database, datasets) is None
