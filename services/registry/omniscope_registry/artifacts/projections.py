"""Projections of artifacts into MLflow, as rows of the outbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from omniscope.registry.v1.projection_service_pb2 import (
    ArtifactPurged,
    ArtifactRegistered,
    Projection,
)
from omniscope_registry import outbox
from omniscope_registry.tables.artifacts import job_artifacts
from omniscope_registry.tables.jobs import training_jobs

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from omniscope.common.v1.artifact_pb2 import Artifact
    from omniscope_registry.jobs.values import JobRow

_ARTIFACTS = job_artifacts.c


async def registered(conn: AsyncConnection, job: JobRow, artifact: Artifact, source: str) -> None:
    """Have an artifact's files shown in the run of the attempt that made it.

    Args:
        conn: The transaction.
        job: The job, still running.
        artifact: What it has made.
        source: Address of the package.
    """
    stored = ArtifactRegistered(attempt=job.attempt, artifact=artifact, source=source)
    await _add(conn, job.id, Projection(artifact_registered=stored))


async def purged(conn: AsyncConnection, artifact_id: str) -> None:
    """Have an artifact's files removed from the run."""
    query = select(_ARTIFACTS.kind, _ARTIFACTS.job_id, training_jobs.c.attempt).join(
        training_jobs, training_jobs.c.id == _ARTIFACTS.job_id
    )
    row = (await conn.execute(query.where(_ARTIFACTS.id == artifact_id))).one()
    gone = ArtifactPurged(attempt=row.attempt, artifact_id=artifact_id, kind=row.kind)
    await _add(conn, row.job_id, Projection(artifact_purged=gone))


async def _add(conn: AsyncConnection, job_id: str, projection: Projection) -> None:
    await outbox.add_projection(conn, job_id=job_id, payload=projection.SerializeToString())
