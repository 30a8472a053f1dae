import pytest
from sqlalchemy import text

from omniscope_registry.database import Database
from omniscope_registry.jobs.sql import reading
from omniscope_registry.listing.filter import FilterField, FilterMap
from omniscope_registry.models import store_sql


def column(field):
    return field.column if isinstance(field, FilterField) else field


FILTERED = [
    column(field)
    for fields in (reading._FILTER_FIELDS, store_sql._FILTER_FIELDS)
    for field in fields.values()
    if not isinstance(field, FilterMap)  # no index knows the keys that people think of
]


@pytest.fixture
async def database(tmp_path):
    opened = await Database.open(f"sqlite+aiosqlite:///{tmp_path / 'registry.db'}")
    yield opened
    await opened.close()


@pytest.mark.parametrize("filtered", FILTERED, ids=str)
async def test_a_filtered_list_reads_only_rows_that_meet_the_filter(database, filtered):
    query = text(
        f"EXPLAIN QUERY PLAN SELECT * FROM {filtered.table} WHERE owner = 'ada' "
        f"AND deleted_at IS NULL AND {filtered.name} = 'x' AND id < 'y' ORDER BY id DESC LIMIT 51"
    )

    async with database.read() as conn:
        plan = [step.detail for step in await conn.execute(query)]

    index = f"ix_{filtered.table}_owner_{filtered.name}_id"
    assert plan == [
        f"SEARCH {filtered.table} USING INDEX {index} (owner=? AND {filtered.name}=? AND id<?)"
    ]
