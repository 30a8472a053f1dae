import sqlite3
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event, text

from omniscope.registry.v1.artifact_service_pb2 import ListArtifactsRequest
from omniscope.registry.v1.experiment_service_pb2 import ListRunsRequest
from omniscope.registry.v1.job_service_pb2 import ListJobsRequest
from omniscope_registry.artifacts.store_sql import SqlArtifactStore
from omniscope_registry.database import Database
from omniscope_registry.experiments.runs_sql import SqlRunReader
from omniscope_registry.jobs.sql import reading
from omniscope_registry.listing.filter import FilterField, FilterMap, FilterRelated
from omniscope_registry.models import store_sql


def column(field):
    return field.column if isinstance(field, FilterField) else field


FILTERED = [
    column(field)
    for fields in (reading._FILTER_FIELDS, store_sql._FILTER_FIELDS)
    for field in fields.values()
    # no index knows the keys that people think of
    if not isinstance(field, FilterMap | FilterRelated)
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


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("training_jobs", "id"),
        ("datasets", "id"),
        ("ml_models", "id"),
        ("job_artifacts", "job_id"),
    ],
)
async def test_a_list_does_not_walk_over_what_was_deleted(database, table, key):
    query = text(
        f"EXPLAIN QUERY PLAN SELECT * FROM {table} WHERE owner = 'ada' AND deleted_at IS NULL "
        f"AND {key} < 'y' ORDER BY {key} DESC LIMIT 51"
    )

    async with database.read() as conn:
        plan = [step.detail for step in await conn.execute(query)]

    assert plan == [f"SEARCH {table} USING INDEX ix_{table}_listed (owner=? AND {key}<?)"]


@pytest.mark.parametrize("column", ["dataset_id", "model_id"])
@pytest.mark.parametrize("service", ["jobs", "runs", "artifacts"])
async def test_a_list_of_what_read_something_reads_only_that(database, tmp_path, service, column):
    statement, parameters = await _first_page(database, service, f'{column} = "x"')

    with sqlite3.connect(tmp_path / "registry.db") as connection:
        plan = [
            row[-1] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]

    index = f"USING COVERING INDEX ix_job_inputs_owner_{column}"
    assert f"{index} (owner=? AND {column}=? AND repeated=?)" in plan[0]
    assert not any("TEMP B-TREE" in step or step.startswith("SCAN") for step in plan)


async def _first_page(database, service, only):
    """Return the statement, and its parameters, by which a page is read."""
    statements = []

    def note(_connection, _cursor, statement, parameters, *_):
        if "LIMIT" in statement:
            statements.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        if service == "jobs":
            await reading.SqlJobReader(database).list_page("ada", ListJobsRequest(filter=only))
        elif service == "runs":
            of_runs = ListRunsRequest(experiment="e", filter=only)
            await SqlRunReader(database).page("ada", of_runs)
        else:
            store = SqlArtifactStore(database, timedelta(days=30))
            of_artifacts = ListArtifactsRequest(filter=only)
            await store.list_page("ada", of_artifacts, show_deleted=False)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    (page,) = statements
    return page
