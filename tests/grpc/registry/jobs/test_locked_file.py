"""Another process keeps the SQLite file locked: calls wait, or are refused whole."""

import asyncio
import sqlite3
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import grpc
import pytest
from sqlalchemy import make_url, select

from omniscope.common.v1.job_pb2 import JobState
from omniscope.registry.v1.job_service_pb2 import GetJobRequest
from omniscope_registry.tables.jobs import job_attempts, job_events, outbox, training_jobs
from omniscope_service.errors import Unavailable

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@asynccontextmanager
async def _locked(database_url: str) -> AsyncIterator[None]:
    """Keep everybody else from writing, as a backup may do."""
    path = str(make_url(database_url).database)
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


async def _jobs(database):
    """Return all that a transition of a job would change."""
    async with database.read() as conn:
        return [
            (await conn.execute(select(table).order_by(*table.primary_key))).all()
            for table in (training_jobs, job_attempts, job_events, outbox)
        ]


async def test_calls_are_answered_after_a_lock_of_some_seconds(registry, database_url):
    waiting = await registry.submit()

    async with _locked(database_url):
        calls = [
            asyncio.create_task(call)
            for call in (registry.submit(), registry.claim(waiting.job_id))
        ]
        await asyncio.sleep(3)
        assert not any(call.done() for call in calls)

    submitted, grant = await asyncio.gather(*calls)
    assert submitted.state == JobState.JOB_STATE_QUEUED
    assert grant.lease.attempt == 1


async def test_whoever_only_reads_is_answered_during_a_lock(registry, database_url):
    job = await registry.submit()

    async with _locked(database_url):
        writing = asyncio.create_task(registry.claim(job.job_id))
        await asyncio.sleep(0.1)
        read = await registry.jobs.GetJob(GetJobRequest(job_id=job.job_id))
        assert not writing.done()

    assert read.state == JobState.JOB_STATE_QUEUED
    await writing


async def test_a_lock_that_stays_makes_calls_unavailable_and_changes_nothing(
    registry, database, database_url, refused
):
    grant = await registry.running()

    async with _locked(database_url):
        before = await _jobs(database)
        error = await refused(registry.fail(grant.lease, "CRASH"))
        assert isinstance(error, Unavailable)
        assert error.reason == "DATABASE_UNAVAILABLE"
        assert await _jobs(database) == before

    assert await registry.fail(grant.lease, "CRASH") == JobState.JOB_STATE_QUEUED


async def test_a_call_that_is_given_up_during_a_lock_is_no_hindrance(
    registry, database, database_url
):
    request_id = str(uuid.uuid4())
    submission = registry.submission(request_id=request_id)

    async with _locked(database_url):
        before = await _jobs(database)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await registry.intake.SubmitJob(submission, timeout=1)
        assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        assert await _jobs(database) == before

    job = await registry.submit(request_id=request_id)
    assert (await registry.submit(request_id=request_id)).job_id == job.job_id
