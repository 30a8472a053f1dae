"""A model that is changed, and one that is removed, in a real MLflow store."""

from datetime import timedelta

import pytest

from omniscope_registry.jobs.sql import projections
from omniscope_registry.models.changes_sql import ModelChange, SqlModelChanges
from omniscope_registry.models.purger import model_purger

pytestmark = pytest.mark.slow  # starts MLflow, as test_mlflow does


@pytest.fixture
def database_url(tmp_path):
    """One kind of database is enough: this is about MLflow."""
    return f"sqlite+aiosqlite:///{tmp_path / 'registry.db'}"


async def test_mlflow_shows_what_is_said_of_a_model_and_forgets_what_is_gone(
    projecting, projected, register, insert_job, database, models, mlflow, artifacts
):
    kept, gone = [await insert_job(model_name="birds") for _ in range(2)]
    ids = {}
    for job in (kept, gone):
        async with database.write() as conn:
            await projections.run_started(conn, job)
        ids[job.id] = await register(job)
    changes = SqlModelChanges(database, models.cache, [], timedelta(0))
    # What is ours nobody else can change: it is what versions are found by.
    tags = {"stage": "live", "omniscope.model_id": ids[gone.id]}
    await changes.update("ada", ids[kept.id], ModelChange("better", tags))
    await changes.delete("ada", ids[gone.id])

    # A negative time stands for one that is over, with its margin.
    assert await model_purger(database, artifacts, timedelta(minutes=-2)).purge() == 1
    async with projecting():
        await projected()

    found = mlflow.rows(
        "SELECT version, description FROM model_versions WHERE current_stage != 'Deleted_Internal'"
    )
    assert found == [(1, "better")]
    tags = dict(mlflow.rows("SELECT key, value FROM model_version_tags WHERE version = 1"))
    assert tags == {
        "stage": "live",
        "omniscope.model_id": ids[kept.id],
        "omniscope.version": "1",
        "omniscope.created_by": "ada",
    }
    assert len(mlflow.rows("SELECT run_uuid FROM runs")) == 2
