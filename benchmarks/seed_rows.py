"""Fills a registry's SQLite file with jobs and models in bulk, as years of use would."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from omniscope_registry.database import Database

OWNER = "local"
# The newest of the jobs still wait: a registry with more jobs has a longer queue.
_WAITING_SHARE = 0.01
# Nobody misses the file after a crash.
_FAST = ("synchronous = OFF", "journal_mode = OFF", "cache_size = -400000", "temp_store = MEMORY")
# Ids sort by time, as ULIDs do.
_NUMBERS = """
    WITH RECURSIVE numbers(n) AS (
        SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :rows
    )
"""
_JOBS = f"""
    INSERT INTO training_jobs (
        id, owner, service, resource_class, model_type, status, progress, message, model_id,
        model_name, experiment, description, tags,
        warnings, config, column_lists, hard_limit_seconds, attempt, cancel_reason, run_after,
        last_sequence, stopped_early, version, started_at, completed_at,
        created_at, updated_at
    ) {_NUMBERS}
    SELECT
        printf('01J%023d', n), :owner, 'automl', 'cpu', 'automl.tabular',
        iif(n < :queued_from, 'succeeded', 'queued'), iif(n < :queued_from, 100, 0), 'Done.',
        iif(n < :queued_from, printf('01M%023d', n), NULL), 'model-' || (n % 97),
        'experiment-' || (n % 20), 'One of many', '{{"project": "scale", "batch": "7"}}', '[]',
        zeroblob(200), '{{}}', 3600, iif(n < :queued_from, 1, 0), '', :time, 40, 0, 3,
        :time, iif(n < :queued_from, :time, NULL), :time, :time
    FROM numbers
"""
_INPUTS = f"""
    INSERT INTO job_inputs (
        job_id, position, owner, role, dataset_id, repeated, artifact_key, digest
    ) {_NUMBERS}
    SELECT
        printf('01J%023d', n), 0, :owner, 'training', printf('01D%023d', n % 50), 0,
        'datasets/' || (n % 50), printf('%064d', n % 50)
    FROM numbers
"""
_MODELS = f"""
    INSERT INTO ml_models (
        id, owner, name, version, type, architecture, problem_type, target_column, classes,
        feature_count, hyperparameters, training_config, metrics, results, artifacts_path,
        manifest_digest, size_bytes, description, tags, job_id, dataset_id, created_by,
        created_at, updated_at
    ) {_NUMBERS}
    SELECT
        printf('01M%023d', n), :owner, 'model-' || (n % 97), n / 97 + 1, 'automl.tabular',
        'WeightedEnsemble_L2', 'binary', 'outcome', '["no", "yes"]', 30, '{{}}', '{{}}',
        '{{"accuracy": 0.93, "roc_auc": 0.97}}', '{{}}', 'models/' || n, printf('%064d', n),
        1000000, 'One of many', '{{"project": "scale"}}', printf('01J%023d', n),
        printf('01D%023d', n % 50), :owner, :time, :time
    FROM numbers
"""
_TIME = "2026-01-01 00:00:00.000000"


def seed(database: Path, rows: int) -> None:
    """Makes the tables of a registry in a new file and puts rows into two of them.

    Args:
        database: The file.
        rows: Jobs, and as many models.
    """
    asyncio.run(_make_tables(database))
    parameters = {
        "rows": rows,
        "queued_from": int(rows * (1 - _WAITING_SHARE)),
        "owner": OWNER,
        "time": _TIME,
    }
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        for setting in _FAST:
            connection.execute(f"PRAGMA {setting}")
        with _indexes_afterwards(connection):
            for statement in (_JOBS, _INPUTS, _MODELS):
                connection.execute(statement, parameters)


@contextmanager
def _indexes_afterwards(connection: sqlite3.Connection) -> Iterator[None]:
    """Builds the indexes when all rows are there, each by one sort."""
    named = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    indexes = connection.execute(named).fetchall()
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    yield
    for _, statement in indexes:
        connection.execute(statement)


async def _make_tables(database: Path) -> None:
    await (await Database.open(f"sqlite+aiosqlite:///{database}")).close()
