"""PostgreSQL goes away between calls, during calls and at commits: all or nothing is done."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import make_url, select, text

from omniscope.common.v1.job_pb2 import JobState
from omniscope_registry.database import Database
from omniscope_registry.tables.jobs import job_attempts, job_events, outbox, training_jobs
from omniscope_registry.tables.models import ml_models
from omniscope_service.errors import Unavailable
from tests.grpc.registry.jobs.job_stores import JobStores
from tests.grpc.registry.jobs.postgres_line import PostgresLine

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

TABLES = (training_jobs, job_attempts, job_events, ml_models, outbox)


@pytest.fixture
async def line(database_url):
    """A line to the server that a test can break."""
    folder = Path(str(make_url(database_url).query["host"]))
    async with PostgresLine(folder / ".s.PGSQL.5432") as opened:
        yield opened


@pytest.fixture
async def stores(database, database_url, line, tmp_path):
    """Stores whose database is at the other end of the line."""
    name = make_url(database_url).database
    far = await Database.open(f"postgresql+asyncpg://postgres@127.0.0.1:{line.port}/{name}")
    yield await JobStores.open(far, tmp_path)
    await far.close()


async def _rows(database):
    """Return everything that a call about a job could have changed."""
    async with database.read() as conn:
        return [
            (await conn.execute(select(table).order_by(*table.primary_key))).all()
            for table in TABLES
        ]


async def _end_connections(database):
    """End what the server has open, as a restart or a failover does; return how many."""
    query = """SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()"""
    async with database.read() as conn:
        return await conn.scalar(text(query))


async def _submit(stores):
    return lambda: stores.submit("request")


async def _claim(stores):
    await stores.submit()
    return lambda: stores.claim("claim")


async def _report(stores):
    held = await stores.running()
    return lambda: stores.report(held.lease, 1)


async def _complete(stores):
    held = await stores.running()
    return lambda: stores.complete(held)


async def _fail(stores):
    held = await stores.running()
    return lambda: stores.fail(held.lease, "crash")


async def _cancel(stores):
    held = await stores.running()
    return lambda: stores.cancel(held.lease.job_id)


PREPARATIONS = [_submit, _claim, _report, _complete, _fail, _cancel]


@pytest.mark.parametrize("moment", ["in a transaction", "before its commit"])
@pytest.mark.parametrize("prepare", PREPARATIONS)
async def test_a_call_that_is_cut_off_before_its_commit_has_done_nothing(
    stores, database, line, prepare, moment
):
    call = await prepare(stores)
    before = await _rows(database)
    line.cut(moment)

    with pytest.raises(Unavailable, match="does not answer"):
        await call()

    assert await _rows(database) == before
    assert await call()
    assert await _rows(database) != before


@pytest.mark.parametrize("prepare", PREPARATIONS)
async def test_a_call_whose_commit_went_through_unheard_is_done_and_not_done_again(
    stores, database, line, prepare
):
    call = await prepare(stores)
    before = await _rows(database)
    line.cut("after its commit")

    with pytest.raises(Unavailable, match="does not answer"):
        await call()

    done = await _rows(database)
    assert done != before
    assert await call()
    assert await _rows(database) == done


@pytest.mark.parametrize("prepare", PREPARATIONS)
async def test_a_server_that_has_restarted_between_calls_is_found_again(stores, database, prepare):
    call = await prepare(stores)

    assert await _end_connections(database) > 0

    assert await call()


async def test_a_row_that_stays_locked_makes_calls_unavailable(registry, database, refused):
    job = await registry.submit()
    row = select(training_jobs).where(training_jobs.c.id == job.job_id)

    async with database.write() as conn:
        await conn.execute(row.with_for_update())
        error = await refused(registry.cancel(job.job_id))

    assert isinstance(error, Unavailable)
    assert error.reason == "DATABASE_UNAVAILABLE"
    assert (await registry.claim(job.job_id)).lease.attempt == 1


async def test_a_registry_outlives_a_restart_of_its_server(registry, request, refused):
    server = request.getfixturevalue("_postgres")
    grant = await registry.running()

    await asyncio.to_thread(server.stop)
    try:
        error = await refused(registry.fail(grant.lease, "CRASH"))
    finally:
        await asyncio.to_thread(server.ensure_postgres_running)

    assert isinstance(error, Unavailable)
    assert error.reason == "DATABASE_UNAVAILABLE"
    assert await registry.fail(grant.lease, "CRASH") == JobState.JOB_STATE_QUEUED
