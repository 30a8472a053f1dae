import asyncio
import sqlite3
from datetime import UTC, datetime

import pytest
from sqlalchemy import create_engine, event, func, insert, select, text
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from omniscope_registry.database import Database
from omniscope_registry.sqlite_on_loop import Transactions
from omniscope_registry.tables.jobs import outbox
from omniscope_service.errors import Unavailable

NOTICE = {
    "channel": "nats",
    "subject": "evt",
    "message_id": "1",
    "payload": b"",
    "created_at": datetime(2026, 1, 1, tzinfo=UTC),
}
MANY = 5000


@pytest.fixture
async def database(tmp_path):
    opened = await Database.open(f"sqlite+aiosqlite:///{tmp_path / 'registry.db'}")
    yield opened
    await opened.close()


async def counted(conn):
    return await conn.scalar(select(func.count()).select_from(outbox))


async def test_a_transaction_begins_when_the_one_before_has_ended(database):
    seen = []

    async def add():
        async with database.write() as conn:
            seen.append(await counted(conn))
            await conn.execute(insert(outbox), [NOTICE])
            await asyncio.sleep(0)
            seen.append(await counted(conn))

    await asyncio.gather(add(), add())

    assert seen == [0, 1, 1, 2]


async def test_a_transaction_waits_also_while_another_process_recovers_the_file(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path / 'registry.db'}")
    locked = sqlite3.OperationalError("database is locked")
    locked.sqlite_errorcode = sqlite3.SQLITE_BUSY_RECOVERY
    refusals = [OperationalError("BEGIN IMMEDIATE", None, locked)]

    @event.listens_for(engine, "begin")
    def refuse_at_first(_):
        if refusals:
            raise refusals.pop()

    transactions = Transactions(engine)
    async with transactions.begin() as conn:
        assert await conn.scalar(select(1)) == 1
    transactions.dispose()
    assert not refusals


async def test_nothing_is_left_of_a_transaction_that_was_cancelled(database):
    async def add():
        async with database.write() as conn:
            await conn.execute(insert(outbox), [NOTICE])
            await asyncio.Event().wait()

    adding = asyncio.create_task(add())
    await asyncio.sleep(0.05)
    adding.cancel()

    await asyncio.wait({adding})

    async with database.write() as conn:
        assert await counted(conn) == 0


async def test_a_caller_that_is_cancelled_during_the_commit_leaves_when_it_is_done(database):
    async def add():
        async with database.write() as conn:
            await conn.execute(insert(outbox), [NOTICE])
            asyncio.get_running_loop().call_soon(adding.cancel)

    seen = database.commits
    adding = asyncio.create_task(add())

    await asyncio.wait({adding})

    assert adding.cancelled()
    assert database.commits == seen + 1
    async with database.write() as conn:
        assert await counted(conn) == 1


async def test_a_caller_that_is_cancelled_during_work_that_fails_ends_as_cancelled(database):
    def fail(_):
        asyncio.run_coroutine_threadsafe(cancelled(), loop).result()
        raise sqlite3.OperationalError("the disk is full")

    async def cancelled():
        working.cancel()

    async def work():
        async with database.write() as conn:
            await conn.run_sync(fail)

    loop = asyncio.get_running_loop()
    working = asyncio.create_task(work())

    await asyncio.wait({working})

    assert working.cancelled()


async def test_a_reader_sees_what_is_committed_while_a_transaction_is_open(database):
    async with database.write() as conn, database.read() as reader:
        await conn.execute(insert(outbox), [NOTICE])

        assert await counted(reader) == 0


async def test_the_log_says_why_the_database_does_not_answer_and_not_what_was_asked(database):
    statement = text("SELECT * FROM nowhere WHERE name = :name")

    with capture_logs() as logged, pytest.raises(Unavailable, match="does not answer"):
        async with database.write() as conn:
            await conn.execute(statement, {"name": "a patient"})

    assert [line["cause"] for line in logged] == ["OperationalError: no such table: nowhere"]


async def test_the_loop_turns_while_thousands_of_rows_are_stored(database):
    turns = 0

    async def turn():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    turning = asyncio.create_task(turn())
    async with database.write() as conn:
        before = turns
        await conn.execute(insert(outbox), [NOTICE] * MANY)

        assert turns > before
        assert await counted(conn) == MANY
    turning.cancel()
