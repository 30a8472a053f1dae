"""A database that an earlier version wrote is upgraded in place; see `data/README.md`."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from google.protobuf.any_pb2 import Any as AnyMessage
from sqlalchemy import Connection, MetaData, create_engine, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import create_async_engine

from omniscope.automl.v1.automl_service_pb2 import TrainRequest
from omniscope.registry.v1.job_service_pb2 import ListJobsRequest
from omniscope_registry.database import Database
from omniscope_registry.datasets.store_sql import SqlDatasetStore
from omniscope_registry.jobs.domain import Lease
from omniscope_registry.jobs.sql.reading import SqlJobReader
from omniscope_registry.jobs.values import InputKind, JobInput, StoredInput
from omniscope_registry.migrations.upgrade import alembic_config
from omniscope_registry.models.store_sql import SqlModelStore
from omniscope_registry.tables.jobs import job_attempts
from omniscope_service.errors import FailedPrecondition
from tests.grpc.registry.jobs.job_stores import Held, JobStores
from tests.grpc.registry.schema import described, triggers

DATA = Path(__file__).parent / "data"
WRITTEN = json.loads((DATA / "registry-0009.json").read_text())
STATES = {
    "queued": "queued",
    "succeeded": "succeeded",
    "failed": "failed",
    "cancelled": "cancelled",
    "quarantined": "quarantined",
    "timed_out": "timed_out",
    "queued_again": "queued",
    "running": "running",
}
INPUT = JobInput(
    "training",
    InputKind.DATASET,
    WRITTEN["dataset_id"],
    StoredInput("datasets/x/data.arrow", "b" * 64),
)


@pytest.fixture
def old_file(tmp_path):
    """The SQLite file as that version has left it."""
    file = tmp_path / "old" / "registry.db"
    file.parent.mkdir()
    file.write_bytes(gzip.decompress((DATA / "registry-0009.db.gz").read_bytes()))
    return file


@pytest.fixture
def old_rows(old_file):
    """All rows of that version, by table."""
    engine = create_engine(f"sqlite:///{old_file}")
    with engine.begin() as connection:
        rows = _rows(connection)
    engine.dispose()
    return rows


@pytest.fixture(params=["sqlite", "postgresql"])
async def old_url(request, old_file, old_rows):
    """The URL of a database of either kind with the tables and rows of that version."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{old_file}"
    url = request.getfixturevalue("postgres_url")
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(_write_old_tables, old_rows)
    await engine.dispose()
    return url


def _write_old_tables(connection, rows):
    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "0009")
    tables = MetaData()
    tables.reflect(connection)
    # Triggers refuse what was not there before.
    connection.execute(text("SET LOCAL session_replication_role = replica"))
    for table in tables.sorted_tables:
        if rows.get(table.name):
            connection.execute(table.insert(), [_in_utc(row) for row in rows[table.name]])
    connection.execute(text("SELECT setval('outbox_id_seq', max(id)) FROM outbox"))


def _in_utc(row):
    """Return a row with the time zone that SQLite's times are known to be in."""
    return {
        name: value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
        for name, value in row.items()
    }


def _rows(connection: Connection):
    tables = MetaData()
    tables.reflect(connection)
    return {
        table.name: [dict(row._mapping) for row in connection.execute(select(table))]
        for table in tables.sorted_tables
        if table.name not in ("alembic_version", "sqlite_sequence")
    }


@pytest.fixture
async def upgraded(old_url):
    database = await Database.open(old_url)
    yield database
    await database.close()


async def test_its_schema_is_that_of_a_new_database(upgraded, old_url, tmp_path):
    async with upgraded.write() as conn:
        tables, guards = await conn.run_sync(described), await conn.run_sync(triggers)
    if upgraded.dialect == "postgresql":
        async with upgraded.write() as conn:
            await conn.execute(text("DROP SCHEMA public CASCADE"))
            await conn.execute(text("CREATE SCHEMA public"))
        fresh = await Database.open(old_url)
    else:
        fresh = await Database.open(f"sqlite+aiosqlite:///{tmp_path / 'fresh.db'}")

    async with fresh.write() as conn:
        assert await conn.run_sync(described) == tables
        assert await conn.run_sync(triggers) == guards
    await fresh.close()
    assert guards


async def test_nothing_is_lost_or_changed(upgraded, old_rows):
    async with upgraded.write() as conn:
        kept = await conn.run_sync(_rows)

    old_rows["outbox"] = [row for row in old_rows["outbox"] if not _is_hint(row)]
    for table, rows in old_rows.items():
        assert len(kept[table]) == len(rows)
        for row in rows:
            shared = {name: _plain(value) for name, value in row.items() if name in kept[table][0]}
            # Written anew, by other numbers of its fields.
            shared.pop("config", None)
            assert any(shared.items() <= _plain_row(other).items() for other in kept[table])


def _is_hint(row):
    """Hints named jobs then; none is needed for what waits already."""
    return row["channel"] == "nats" and row["job_id"] is not None


def _plain_row(row):
    return {name: _plain(value) for name, value in row.items()}


def _plain(value):
    """Return what both engines agree on, and what can be compared as part of a dictionary."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat()
    return json.dumps(value, sort_keys=True) if isinstance(value, dict | list) else value


@pytest.mark.parametrize(("job", "state"), STATES.items())
async def test_a_job_in_any_state_is_there_with_its_dataset(upgraded, job, state):
    found = await SqlJobReader(upgraded).get("ada", WRITTEN["jobs"][job])

    assert found.status == state
    assert list(found.inputs) == [INPUT]
    assert found.artifact_kind == ""
    request = TrainRequest()
    assert AnyMessage.FromString(found.config).Unpack(request)
    assert (request.dataset_id, request.target_column) == (WRITTEN["dataset_id"], "outcome")


async def test_jobs_are_found_by_their_dataset_and_deleted_ones_are_not(upgraded):
    only = ListJobsRequest(filter=f'dataset_id = "{WRITTEN["dataset_id"]}"')

    jobs, _ = await SqlJobReader(upgraded).list_page("ada", only)

    assert {job.job_id for job in jobs} == {WRITTEN["jobs"][name] for name in STATES}
    assert all(job.inputs[0].dataset_id == WRITTEN["dataset_id"] for job in jobs)


async def test_a_model_is_there_with_its_alias_and_a_deleted_one_can_be_brought_back(upgraded):
    models = SqlModelStore(upgraded)
    living = await models.get("ada", WRITTEN["models"]["living"])
    listed, _ = await models.list_page("ada", ListJobsRequest(), show_deleted=True)

    assert living.dataset_id == WRITTEN["dataset_id"]
    assert list(living.aliases) == ["champion"]
    assert [model.model_id for model in listed if model.HasField("delete_time")] == [
        WRITTEN["models"]["deleted"]
    ]


async def test_a_claim_that_had_got_two_attempts_does_not_keep_a_database_from_its_upgrade(
    old_url,
):
    engine = create_async_engine(old_url)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE job_attempts SET claim_hash = 'the same'"))
    await engine.dispose()

    upgraded = await Database.open(old_url)

    async with upgraded.read() as conn:
        query = select(job_attempts.c.claim_hash).where(job_attempts.c.outcome.is_(None))
        assert (await conn.execute(query)).scalars().all() == ["the same"]
    await upgraded.close()


async def test_a_claim_from_before_is_repeated_and_completed(upgraded, tmp_path):
    stores = JobStores(upgraded, tmp_path, WRITTEN["dataset_id"])
    claim = WRITTEN["claim"]
    lease = Lease(claim["job_id"], claim["attempt"], claim["token"])
    held = Held(claim["claim_id"], lease, claim["prefix"])

    assert await stores.claim(claim["claim_id"]) == held
    model_id = await stores.complete(held)

    job = await stores.job(claim["job_id"])
    assert (job.status, job.model_id, job.artifact_id) == ("succeeded", model_id, None)


async def test_jobs_that_wait_or_run_keep_their_dataset(upgraded):
    with pytest.raises(FailedPrecondition, match=WRITTEN["jobs"]["running"]) as refused:
        await SqlDatasetStore(upgraded).delete("ada", WRITTEN["dataset_id"])

    assert refused.value.reason == "DATASET_IN_USE"


async def test_a_job_that_has_ended_still_never_changes(upgraded):
    statement = "UPDATE training_jobs SET progress = 1 WHERE id = :job"

    with pytest.raises(IntegrityError, match="never changes"):
        async with upgraded.write() as conn:
            await conn.execute(text(statement), {"job": WRITTEN["jobs"]["failed"]})
