"""Fills a registry's SQLite file with jobs and models in bulk, as years of use would."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from omniscope_registry.database import Database

OWNER = "local"
# The newest of the jobs still wait: a registry with more jobs has a longer queue.
_WAITING_SHARE = 0.01
# Rows of one transaction: what it holds stays in memory until it is committed.
_SLICE = 100_000
# Ids sort by time, as ULIDs do.
_NUMBERS = """
    WITH RECURSIVE numbers(n) AS (
        SELECT :first UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :after
    )
"""
_JOBS = f"""
    INSERT INTO training_jobs (
        id, owner, service, resource_class, model_type, status, progress, message, model_id,
        model_name, dataset_id, dataset_key, dataset_digest, experiment, description, tags,
        warnings, config, column_lists, hard_limit_seconds, attempt, cancel_reason, run_after,
        hinted_at, nudge, last_sequence, stopped_early, version, started_at, completed_at,
        created_at, updated_at
    ) {_NUMBERS}
    SELECT
        printf('01J%023d', n), :owner, 'automl', 'cpu', 'automl.tabular',
        iif(n < :queued_from, 'succeeded', 'queued'), iif(n < :queued_from, 100, 0), 'Done.',
        iif(n < :queued_from, printf('01M%023d', n), NULL), 'model-' || (n % 97),
        printf('01D%023d', n % 50), 'datasets/' || (n % 50), printf('%064d', n % 50),
        'experiment-' || (n % 20), 'One of many', '{{"project": "scale", "batch": "7"}}', '[]',
        zeroblob(200), '{{}}', 3600, iif(n < :queued_from, 1, 0), '', :time, :time, 0, 40, 0, 3,
        :time, iif(n < :queued_from, :time, NULL), :time, :time
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
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        for first in range(0, rows, _SLICE):
            parameters = {
                "first": first,
                "after": min(first + _SLICE, rows),
                "queued_from": int(rows * (1 - _WAITING_SHARE)),
                "owner": OWNER,
                "time": _TIME,
            }
            for statement in (_JOBS, _MODELS):
                connection.execute(statement, parameters)


async def _make_tables(database: Path) -> None:
    await (await Database.open(f"sqlite+aiosqlite:///{database}")).close()
