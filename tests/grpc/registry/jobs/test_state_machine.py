"""Whatever happens to jobs, and in whatever order, the stores do what the model says."""

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import delete

from omniscope_registry.tables.metadata import metadata
from tests.grpc.registry.jobs.job_machine import JobMachine, OpenDatabase
from tests.grpc.registry.jobs.job_stores import StandingDatabase


@pytest.fixture(params=["sqlite", "postgresql"])
def open_database(request: pytest.FixtureRequest) -> OpenDatabase:
    """Opens an empty, migrated database, again for every machine."""
    if request.param == "sqlite":
        template = request.getfixturevalue("_registry_on_sqlite")

        async def open_copy(folder: Path) -> StandingDatabase:
            path = shutil.copy(template, folder / "registry.db")
            return await StandingDatabase.open(f"sqlite+aiosqlite:///{path}")

        return open_copy
    url = request.getfixturevalue("_registry_on_postgres")

    async def open_emptied(_folder: Path) -> StandingDatabase:
        database = await StandingDatabase.open(url)
        async with database.write() as conn:
            for table in reversed(metadata.sorted_tables):
                await conn.execute(delete(table))
        return database

    return open_emptied


def _run(open_database: OpenDatabase, *, examples: int, steps: int) -> None:
    class Machine(JobMachine):
        def __init__(self) -> None:
            super().__init__(open_database)

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            # The same examples everywhere, every time.
            derandomize=True,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )


@pytest.mark.timeout(600)  # only what fails takes long: it is made smaller
def test_the_stores_agree_with_the_model(open_database):
    _run(open_database, examples=8, steps=30)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_stores_agree_with_the_model_for_long(open_database):
    _run(open_database, examples=300, steps=50)
