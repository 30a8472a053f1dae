"""From rows of artifacts to the protocol's messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from omniscope.common.v1.artifact_pb2 import Artifact
from omniscope_registry.jobs.convert import input_to_proto

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

    from sqlalchemy import Row

    from omniscope_registry.jobs.values import JobInput


def artifact_to_proto(row: Row[Any], inputs: Iterable[JobInput], kept: timedelta) -> Artifact:
    """Return an artifact as clients see it.

    Args:
        row: Of `job_artifacts`.
        inputs: What its job read.
        kept: How long it can be brought back once it is deleted.
    """
    artifact = Artifact(
        artifact_id=row.id,
        kind=row.kind,
        job_id=row.job_id,
        inputs=map(input_to_proto, inputs),
        artifacts_path=row.artifacts_path,
        manifest_digest=row.manifest_digest,
        size_bytes=row.size_bytes,
        mlflow_run_id=row.mlflow_run_id or "",
        created_by=row.created_by,
    )
    artifact.create_time.FromDatetime(row.created_at)
    artifact.update_time.FromDatetime(row.updated_at)
    if row.deleted_at is not None:
        artifact.delete_time.FromDatetime(row.deleted_at)
        artifact.purge_time.FromDatetime(row.deleted_at + kept)
    return artifact
