"""Statements that look at many rows leave the event loop, and end in time."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import literal, select, text

from omniscope_registry import engines
from omniscope_registry.database import Database
from omniscope_registry.jobs.domain import JobTimes
from omniscope_registry.jobs.loops.collector import AttemptCollector
from omniscope_registry.jobs.loops.sweeper import Sweeper
from omniscope_registry.sqlite_scans import CONCURRENT_SCANS
from omniscope_service.artifacts import ArtifactStore
from omniscope_service.errors import DeadlineExceeded, Unavailable

ENDLESS = {
    "sqlite": text(
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
    ),
    "postgresql": text("SELECT pg_sleep(3600)"),
}


@pytest.fixture
async def impatient(database_url, monkeypatch):
    """A database of either kind whose statements may take a fifth of a second."""
    monkeypatch.setattr(engines, "STATEMENT_SECONDS", 0.2)
    monkeypatch.setitem(engines._POSTGRESQL_SETTINGS, "statement_timeout", "200")
    opened = await Database.open(database_url)
    yield opened
    await opened.close()


async def test_a_scan_that_takes_too_long_is_refused_with_what_helps(impatient):
    with pytest.raises(DeadlineExceeded) as refused:
        async with impatient.scan() as conn:
            await conn.execute(ENDLESS[impatient.dialect])

    assert refused.value.reason == "QUERY_TOO_SLOW"
    assert "by a filter on a name" in refused.value.message


async def test_the_event_loop_turns_while_a_scan_runs(impatient):
    turns = 0

    async def turn():
        nonlocal turns
        while True:
            await asyncio.sleep(0.001)
            turns += 1

    turning = asyncio.create_task(turn())
    with pytest.raises(DeadlineExceeded):
        async with impatient.scan() as conn:
            await conn.execute(ENDLESS[impatient.dialect])
    turning.cancel()

    # On the loop, the statement would have left it no turn at all.
    assert turns > 5


async def test_scans_that_were_interrupted_leave_usable_connections(impatient):
    async def endless():
        async with impatient.scan() as conn:
            await conn.execute(ENDLESS[impatient.dialect])

    ended = await asyncio.gather(
        *(endless() for _ in range(2 * CONCURRENT_SCANS)), return_exceptions=True
    )
    async with impatient.scan() as conn:
        found = await conn.scalar(select(literal(7)))

    assert {type(error) for error in ended} == {DeadlineExceeded}
    assert found == 7


async def test_a_scan_whose_caller_went_away_is_ended(database):
    started = asyncio.Event()

    async def endless():
        async with database.scan() as conn:
            started.set()
            await conn.execute(ENDLESS[database.dialect])

    scanning = asyncio.create_task(endless())
    await started.wait()
    await asyncio.sleep(0.05)
    scanning.cancel()
    with pytest.raises(asyncio.CancelledError):
        await scanning

    for _ in range(CONCURRENT_SCANS):
        async with database.scan() as conn:
            assert await conn.scalar(select(literal(7))) == 7


async def test_users_who_scan_without_end_hold_up_no_loop_of_the_registry(database, tmp_path):
    scanning = asyncio.Semaphore(0)

    async def endless():
        async with database.scan() as conn:
            scanning.release()
            await conn.execute(ENDLESS[database.dialect])

    users = [asyncio.create_task(endless()) for _ in range(CONCURRENT_SCANS)]
    for _ in users:
        await scanning.acquire()

    artifacts = ArtifactStore.open(tmp_path.as_uri())
    await Sweeper(database, JobTimes()).sweep()
    await AttemptCollector(database, artifacts, timedelta(days=1)).collect()

    assert not any(user.done() for user in users)
    for user in users:
        user.cancel()
    await asyncio.wait(users)


async def test_a_scan_returns_rows_as_a_read_does(database):
    numbers = select(literal(1).label("number")).union_all(select(literal(2)))

    async with database.scan() as conn:
        rows = (await conn.execute(numbers)).all()

    assert [row.number for row in rows] == [1, 2]


async def test_a_scan_cannot_write_on_sqlite(database):
    if database.dialect != "sqlite":
        pytest.skip("PostgreSQL has no read-only connection here: its users' rights decide")

    with pytest.raises(Unavailable) as refused:
        async with database.scan() as conn:
            await conn.execute(text("DELETE FROM workers"))

    assert "readonly" in str(refused.value.__cause__)
