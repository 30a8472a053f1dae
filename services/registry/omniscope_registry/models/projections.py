"""Projections into MLflow of registered models and their changes, as rows of the outbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from omniscope.registry.v1.projection_service_pb2 import ModelChanged, ModelPurged, Projection
from omniscope_registry import outbox
from omniscope_registry.tables.jobs import training_jobs
from omniscope_registry.tables.models import ml_models

if TYPE_CHECKING:
    from sqlalchemy import Row, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

_MODELS = ml_models.c
_PROJECTED: Final[Select[Any]] = select(
    _MODELS.id, _MODELS.name, _MODELS.description, _MODELS.tags, _MODELS.job_id,
    training_jobs.c.attempt,
).join(training_jobs, training_jobs.c.id == _MODELS.job_id)  # fmt: skip


async def changed(conn: AsyncConnection, model_id: str) -> None:
    """Have a model's version take over what is said of the model now."""
    row = await _row(conn, model_id)
    change = ModelChanged(
        attempt=row.attempt,
        model_id=row.id,
        name=row.name,
        description=row.description,
        tags=row.tags,
    )
    await _add(conn, row, Projection(model_changed=change))


async def purged(conn: AsyncConnection, model_id: str) -> None:
    """Have a model's version removed: its source is no more."""
    row = await _row(conn, model_id)
    gone = ModelPurged(attempt=row.attempt, model_id=row.id, name=row.name)
    await _add(conn, row, Projection(model_purged=gone))


async def _row(conn: AsyncConnection, model_id: str) -> Row[Any]:
    row: Row[Any] = (await conn.execute(_PROJECTED.where(_MODELS.id == model_id))).one()
    return row


async def _add(conn: AsyncConnection, row: Row[Any], projection: Projection) -> None:
    payload = projection.SerializeToString()
    await outbox.add_projection(conn, job_id=row.job_id, payload=payload)
