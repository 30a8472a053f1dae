"""Requests that were stored when fields had other numbers are read as they were meant."""

import base64
from typing import Any

import pytest
from alembic import command
from google.protobuf import any_pb2, json_format
from google.protobuf.message import Message
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from omniscope.automl.v1 import automl_service_pb2
from omniscope.deeplearning.v1 import deep_learning_service_pb2
from omniscope_registry.database import Database
from omniscope_registry.migrations.upgrade import alembic_config

SHARED: dict[str, Any] = {
    "dataset_id": "d",
    "target_column": "y",
    "feature_columns": ["a", "b"],
    "problem_type": "binary",
    "key_column": "k",
    "ignore_columns": ["i"],
    "weight_column": "w",
    "split": {"strategy": "SPLIT_STRATEGY_GROUP", "test_fraction": 0.25, "seed": 3},
    "seed": 300,
    "positive_class": "ill",
    "model_name": "m",
    "description": "about",
    "tags": {"a": "1", "b": "2"},
    "experiment": "e",
    "request_id": "r",
    "validate_only": True,
    "deadline_seconds": 90,
    "group_column": "g",
    "time_column": "t",
    "split_column": "s",
    "feature_selection": {"method": "FEATURE_SELECTION_METHOD_F_TEST", "top_k": 5},
    "feature_columns_reference": {"count": 2, "digest": "0a"},
}
SEARCH = json_format.ParseDict(
    {
        **SHARED,
        "time_limit": 600,
        "quality": "best_quality",
        "eval_metric": "f1",
        "included_model_families": ["GBM", "CAT"],
        "excluded_model_families": ["KNN"],
    },
    automl_service_pb2.TrainRequest(),
)
NETWORK = json_format.ParseDict(
    {
        **SHARED,
        "transformer": {},
        "input_layout": {"flat": {}},
        "preprocessing": {"log1p": True},
        "training": {"epochs": 7, "learning_rate": 0.5},
        "resources": {"accelerator": "cpu", "devices": 2},
    },
    deep_learning_service_pb2.TrainRequest(),
)
# `google.protobuf.Any` as the first numbers of the fields wrote it.
STORED = {
    "search": (
        "CjR0eXBlLmdvb2dsZWFwaXMuY29tL29tbmlzY29wZS5hdXRvbWwudjEuVHJhaW5SZXF1ZXN0EqABCgFkEgF5GgFh"
        "GgFiIgZiaW5hcnko2AQyDGJlc3RfcXVhbGl0eToBa0IBaUoBd1INCAMRAAAAAAAA0D8YA1isAmICZjFqA0dCTWoD"
        "Q0FUcgNLTk56A2lsbIIBAW2KAQVhYm91dJIBBgoBYRIBMZIBBgoBYhIBMpoBAWWiAQFyqAEBsgEGCAISAjBhuAFa"
        "wgEBZ8oBAXTSAQFz2gEECAEQBQ=="
    ),
    "network": (
        "Cjp0eXBlLmdvb2dsZWFwaXMuY29tL29tbmlzY29wZS5kZWVwbGVhcm5pbmcudjEuVHJhaW5SZXF1ZXN0EqIBCgFk"
        "EgF5GgFhGgFiIgZiaW5hcnlaAGICCgBqAiABcgsIByEAAAAAAADgP3oHCgNjcHUQAoIBAWuKAQFpkgEBd5oBAWei"
        "AQF0qgEBc7IBDQgDEQAAAAAAANA/GAO6AQQIARAFwAGsAsoBA2lsbNABWtoBAW3iAQVhYm91dOoBBgoBYRIBMeoB"
        "BgoBYhIBMvIBAWX6AQFygAIBigIGCAISAjBh"
    ),
    "other": ("CjN0eXBlLmdvb2dsZWFwaXMuY29tL29tbmlzY29wZS5vdGhlci52MS5UcmFpblJlcXVlc3QSAwoBZA=="),
}


@pytest.fixture(params=["sqlite", "postgresql"])
async def old_database_url(request, tmp_path):
    """The URL of a database whose tables are those of before the numbers changed."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'registry.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    engine = create_async_engine(url)
    async with engine.begin() as conn:
        await conn.run_sync(_upgrade_to_0009)
        for job, stored in STORED.items():
            await conn.execute(_INSERT, {"job": job, "config": base64.b64decode(stored)})
    await engine.dispose()
    return url


def _upgrade_to_0009(connection: Connection) -> None:
    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "0009")


_INSERT = text(
    """INSERT INTO training_jobs (
    id, owner, service, resource_class, model_type, status, progress, message, model_name,
    dataset_id, dataset_key, dataset_digest, experiment, description, tags, warnings, config,
    column_lists, hard_limit_seconds, attempt, run_after, nudge, last_sequence, stopped_early,
    version, created_at, updated_at, completed_at, cancel_reason
) VALUES (
    :job, 'ada', 'automl', 'cpu', 'm', 'cancelled', 0, '', 'm', 'd', 'd', 'd', 'e', '', '{}', '[]',
    :config, '{}', 1, 0, '2026-01-01', 0, 0, false, 1, '2026-01-01', '2026-01-01', '2026-01-01', ''
)"""
)


async def test_an_upgrade_gives_fields_their_new_numbers(old_database_url):
    database = await Database.open(old_database_url)
    async with database.read() as conn:
        rows = (await conn.execute(text("SELECT id, config FROM training_jobs"))).all()
    await database.close()

    assert {row.id: bytes(row.config) for row in rows} == {
        "search": _packed(SEARCH),
        "network": _packed(NETWORK),
        "other": base64.b64decode(STORED["other"]),
    }


def _packed(request: Message) -> bytes:
    packed = any_pb2.Any()
    packed.Pack(request, deterministic=True)
    return packed.SerializeToString(deterministic=True)
