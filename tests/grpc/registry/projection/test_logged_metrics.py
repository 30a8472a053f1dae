"""What callers log to a run that has ended reaches the run in a real MLflow store."""

import pytest

from omniscope_registry.experiments.convert import LoggedPoint
from omniscope_registry.experiments.logging_sql import SqlMetricLog
from omniscope_registry.jobs.domain import SUCCEEDED
from omniscope_registry.jobs.sql import projections

pytestmark = pytest.mark.slow  # starts MLflow, as test_mlflow does


@pytest.fixture
def database_url(tmp_path):
    """One kind of database is enough: this is about MLflow."""
    return f"sqlite+aiosqlite:///{tmp_path / 'registry.db'}"


async def test_logged_values_join_the_run_of_the_newest_attempt(
    projecting, projected, insert_job, database, mlflow
):
    job = await insert_job(experiment="birds")
    async with database.write() as conn:
        await projections.run_started(conn, job)
        await projections.run_ended(conn, job, SUCCEEDED)
    log = SqlMetricLog(database)

    await log.add(
        "ada", job.id, [LoggedPoint("site/auc", 0.7, 0), LoggedPoint("site/auc", 0.8, 1)]
    )
    async with projecting():
        await projected()

    ((run_id, status),) = mlflow.rows("SELECT run_uuid, status FROM runs")
    assert status == "FINISHED"
    found = mlflow.rows("SELECT run_uuid, key, value, step FROM metrics ORDER BY step")
    assert found == [(run_id, "site/auc", 0.7, 0), (run_id, "site/auc", 0.8, 1)]
