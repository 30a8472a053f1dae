"""The `project` role against a real MLflow store.

Starting MLflow takes seconds: one test shows the whole way, the others are slow.
"""

import asyncio
from dataclasses import replace

import pytest

from omniscope.common.v1.job_event_pb2 import MetricPoint
from omniscope_registry import outbox
from omniscope_registry.jobs.domain import SUCCEEDED, Cause
from omniscope_registry.jobs.sql import projections
from omniscope_registry.jobs.worker_values import CheckpointRow


@pytest.fixture
def database_url(tmp_path):
    """One kind of database is enough: this is about MLflow."""
    return f"sqlite+aiosqlite:///{tmp_path / 'registry.db'}"


@pytest.fixture
def finished_attempt(database, register):
    """Reports what an attempt reports: its start, metrics, a model, its end."""

    async def report(job, points=3, outcome=SUCCEEDED):
        async with database.write() as conn:
            await projections.run_started(conn, job)
            for step in range(points):
                point = MetricPoint(name="accuracy", split="validation", value=0.5, step=step)
                await projections.metrics(conn, job, [point])
        model_id = await register(job) if outcome == SUCCEEDED else None
        async with database.write() as conn:
            await projections.run_ended(conn, job, outcome)
        return model_id

    return report


async def test_an_attempt_shows_up_in_mlflow_with_its_model(
    projecting, projected, finished_attempt, insert_job, mlflow, models, artifacts, home
):
    job = await insert_job(experiment="birds")
    model_id = await finished_attempt(job)

    async with projecting():
        await projected()

    ((run_id, status, name),) = mlflow.rows(
        "SELECT run_uuid, runs.status, experiments.name FROM runs JOIN experiments "
        "USING (experiment_id)"
    )
    assert (status, name) == ("FINISHED", "birds")
    ((location,),) = mlflow.rows("SELECT artifact_location FROM experiments WHERE name = 'birds'")
    assert location == (home / "artifacts" / "mlflow").as_uri()
    tags = dict(mlflow.rows("SELECT key, value FROM tags"))
    assert (tags["omniscope.job_id"], tags["omniscope.attempt"]) == (job.id, "1")
    assert tags["team"] == "ornithology"
    params = dict(mlflow.rows("SELECT key, value FROM params"))
    assert params["target_column"] == "species"
    assert params["split.seed"] == "7"
    assert params["settings.optimizer"] == "adamw"
    assert params["included_model_families"] == '["GBM", "RF"]'
    metrics = mlflow.rows("SELECT key, step, value FROM metrics ORDER BY key, step")
    assert metrics == [
        ("test_accuracy", 0, 0.985),
        ("test_log_loss", 0, 0.04),
        *(("validation_accuracy", step, 0.5) for step in range(3)),
    ]
    model = await models.get("ada", model_id)
    assert model.mlflow_run_id == run_id
    assert mlflow.rows("SELECT name, version, source, run_id FROM model_versions") == [
        (job.model_name, 1, artifacts.url_of(model.artifacts_path), run_id)
    ]


@pytest.mark.slow
async def test_what_is_projected_twice_shows_up_once(
    projecting, projected, finished_attempt, insert_job, mlflow, database
):
    job = await insert_job()
    await finished_attempt(job)
    async with database.read() as conn:
        rows = await outbox.pending(conn, "mlflow", 100)
    async with projecting():
        await projected()
    before = _everything(mlflow)

    async with database.write() as conn:
        for row in rows:
            await outbox.add_projection(conn, job_id=job.id, payload=row.payload)
    async with projecting():
        await projected()

    assert _everything(mlflow) == before


@pytest.mark.slow
async def test_each_attempt_has_its_run_and_ends_as_it_ended(
    projecting, projected, finished_attempt, insert_job, mlflow
):
    for outcome in (Cause.USER_ERROR, Cause.CANCELLED):
        await finished_attempt(await insert_job(), outcome=outcome)

    async with projecting():
        await projected()

    statuses = mlflow.rows("SELECT status FROM runs ORDER BY status")
    assert statuses == [("FAILED",), ("KILLED",)]


@pytest.mark.slow
async def test_the_run_of_a_resumed_attempt_begins_with_what_was_measured_before(
    projecting, projected, insert_job, mlflow, database
):
    job = await insert_job()
    resumed = replace(job, attempt=2)
    async with database.write() as conn:
        await projections.run_started(conn, job)
        await projections.metrics(conn, job, losses({0: 0.9, 1: 0.8, 2: 0.75}))
        await projections.run_ended(conn, job, Cause.LOST)
        await projections.run_started(conn, resumed, CheckpointRow(1, "a", 1, "key", "0" * 64, 9))
        await projections.metrics(conn, resumed, losses({2: 0.7, 3: 0.6}))

    async with projecting():
        await projected()

    rows = mlflow.rows(
        "SELECT tags.value, step, metrics.value FROM metrics JOIN tags USING (run_uuid) "
        "WHERE tags.key = 'omniscope.attempt' ORDER BY tags.value, step"
    )
    assert rows == [
        ("1", 0, 0.9), ("1", 1, 0.8), ("1", 2, 0.75),
        ("2", 0, 0.9), ("2", 1, 0.8), ("2", 2, 0.7), ("2", 3, 0.6),
    ]  # fmt: skip


@pytest.mark.slow
async def test_a_refused_projection_does_not_hold_up_the_others(
    projecting, projected, finished_attempt, insert_job, mlflow
):
    refused = await insert_job(experiment="x" * 600)
    await finished_attempt(refused, outcome=Cause.USER_ERROR)
    await finished_attempt(await insert_job(), outcome=Cause.USER_ERROR)

    async with projecting():
        await projected()

    assert mlflow.rows("SELECT COUNT(*) FROM runs") == [(1,)]


@pytest.mark.slow
async def test_an_mlflow_that_is_down_delays_and_loses_nothing(
    projecting, projected, finished_attempt, insert_job, mlflow, database, home
):
    await finished_attempt(await insert_job())
    (home / "later").touch()
    elsewhere = f"sqlite:///{home / 'later' / 'mlflow.db'}"

    async with projecting(MLFLOW_TRACKING_URI=elsewhere):
        waiting = asyncio.ensure_future(projected())
        done, _ = await asyncio.wait({waiting}, timeout=15)
        assert not done
        waiting.cancel()
    async with projecting():
        await projected()

    assert mlflow.rows("SELECT status FROM runs") == [("FINISHED",)]


def losses(by_step):
    return [
        MetricPoint(name="loss", split="validation", value=value, step=step)
        for step, value in by_step.items()
    ]


def _everything(mlflow):
    return [
        sorted(mlflow.rows(f"SELECT {columns} FROM {table}"))
        for table, columns in {
            "runs": "run_uuid, status",
            "params": "key, value",
            "metrics": "key, step, value",
            "tags": "key, value",
            "model_versions": "name, version",
        }.items()
    ]
