"""The migrations make exactly the tables that the code speaks of, and guard what they hold."""

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import create_async_engine

from omniscope_registry.database import Database
from omniscope_registry.migrations.upgrade import alembic_config, newest_revision
from omniscope_registry.tables.metadata import metadata
from omniscope_registry.upgrade_process import upgrade_in_child
from omniscope_service.errors import ConfigurationError
from tests.grpc.registry.schema import described


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request, tmp_path):
    """The URL of a database that holds nothing at all."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_url")
    return f"sqlite+aiosqlite:///{tmp_path / 'fresh' / 'registry.db'}"


async def test_upgrading_from_empty_makes_the_tables_of_the_metadata(empty_database_url):
    migrated = await Database.open(empty_database_url)
    async with migrated.write() as conn:
        found = await conn.run_sync(described)
    dialect = migrated.dialect
    await migrated.close()

    assert found == await _described_by_metadata(empty_database_url, dialect)


async def _described_by_metadata(url: str, dialect: str) -> dict[str, object]:
    """Make the tables from the metadata, in a database or schema of their own."""
    engine = create_async_engine("sqlite+aiosqlite://" if dialect == "sqlite" else url)
    async with engine.begin() as conn:
        if dialect == "postgresql":
            await conn.execute(text("CREATE SCHEMA expected"))
            await conn.execute(text("SET search_path TO expected"))
        await conn.run_sync(metadata.create_all)
        found = await conn.run_sync(described)
    await engine.dispose()
    return found


async def test_opening_an_up_to_date_database_changes_nothing(empty_database_url):
    await (await Database.open(empty_database_url)).close()

    database = await Database.open(empty_database_url)

    async with database.read() as conn:
        versions = (await conn.execute(text("SELECT version_num FROM alembic_version"))).all()
    await database.close()
    assert len(versions) == 1


async def test_a_second_registry_on_the_same_file_is_refused(tmp_path):
    url = f"sqlite+aiosqlite:///{tmp_path / 'registry.db'}"
    first = await Database.open(url)

    with pytest.raises(ConfigurationError, match="another registry has"):
        await Database.open(url)

    await first.close()
    await (await Database.open(url)).close()


async def test_a_database_of_another_kind_is_refused():
    with pytest.raises(ConfigurationError, match="mysql"):
        await Database.open("mysql://localhost/registry")


_JOB = """INSERT INTO training_jobs (
    id, owner, service, resource_class, model_type, status, progress, message, model_name,
    experiment, description, tags, warnings, config,
    column_lists, hard_limit_seconds, attempt, run_after, last_sequence, stopped_early,
    version, created_at, updated_at, cancel_reason
) VALUES (
    'job', 'ada', 'automl', 'cpu', 'm', 'queued', 0, '', 'm', 'e', '', '{}', '[]',
    '', '{}', 1, 0, '2026-01-01', 0, false, 1, '2026-01-01', '2026-01-01', ''
)"""
_ENDED = "status = 'cancelled', version = version + 1, completed_at = '2026-01-02'"
_SUCCEEDED = "status = 'succeeded', version = version + 1, completed_at = '2026-01-02'"
_WITH_MODEL = f"{_SUCCEEDED}, lease_token_hash = NULL, lease_until = NULL, model_id = 'm'"
_WITH_ARTIFACT = f"{_SUCCEEDED}, lease_token_hash = NULL, lease_until = NULL, artifact_id = 'a'"
_RUNNING = (
    "status = 'running', version = version + 1, lease_token_hash = 'h', lease_until = '2026-01-02'"
)


@pytest.mark.parametrize(
    ("before", "change"),
    [
        (_ENDED, "status = 'queued', completed_at = NULL, version = version + 1"),
        (_ENDED, "last_sequence = 7"),
        (_ENDED, "artifact_kind = 'explanation'"),
        ("attempt = 0", "status = 'running', lease_token_hash = 'h', lease_until = '2026-01-02'"),
        ("attempt = 0", "status = 'running', version = version + 1"),
        ("attempt = 0", "status = 'cancelled', version = version + 1"),
        ("attempt = 0", "lease_token_hash = 'h'"),
        ("attempt = 0", "attempt = 2, version = version + 1"),
        ("attempt = 0", "progress = 101"),
        ("attempt = 0", "status = 'asleep', version = version + 1"),
        (
            "attempt = 0",
            "status = 'failed', version = version + 1, completed_at = '2026-01-02'",
        ),
        (
            _RUNNING,
            # without a model
            f"{_SUCCEEDED}, lease_token_hash = NULL, lease_until = NULL",
        ),
        # with the other result than the job makes, or with both
        (_RUNNING, _WITH_ARTIFACT),
        (f"{_RUNNING}, artifact_kind = 'explanation'", _WITH_MODEL),
        (_RUNNING, f"{_WITH_MODEL}, artifact_id = 'a'"),
        ("attempt = 0", "artifact_id = 'a'"),
    ],
)
async def test_no_statement_can_break_the_life_of_a_job(database, before, change):
    async with database.write() as conn:
        await conn.execute(text(_JOB))
        await conn.execute(text(f"UPDATE training_jobs SET {before}"))

    with pytest.raises(IntegrityError):
        async with database.write() as conn:
            await conn.execute(text(f"UPDATE training_jobs SET {change}"))


def test_the_newest_revision_is_the_one_that_alembic_finds():
    assert newest_revision() == ScriptDirectory.from_config(alembic_config()).get_current_head()


async def test_a_process_of_its_own_upgrades_a_database(empty_database_url):
    assert not await Database.is_newest(empty_database_url)

    await upgrade_in_child(empty_database_url)

    assert await Database.is_newest(empty_database_url)


async def test_an_upgrade_that_cannot_be_made_says_why(tmp_path):
    held = await Database.open(f"sqlite+aiosqlite:///{tmp_path / 'registry.db'}")

    with pytest.raises(ConfigurationError, match="another registry has"):
        await upgrade_in_child(f"sqlite+aiosqlite:///{tmp_path / 'registry.db'}")

    await held.close()
