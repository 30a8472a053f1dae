"""Projections of a job's attempts into MLflow, as rows of the outbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omniscope.registry.v1.projection_service_pb2 import (
    MetricBatch,
    ProjectedMetric,
    Projection,
    RunEnded,
    RunStarted,
)
from omniscope_registry import outbox
from omniscope_registry.jobs.domain import SUCCEEDED, Cause

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

    from omniscope.common.v1.job_event_pb2 import MetricPoint
    from omniscope_registry.jobs.values import JobRow
    from omniscope_registry.jobs.worker_values import CheckpointRow

_FINISHED, _FAILED, _KILLED = "FINISHED", "FAILED", "KILLED"
_KILLING = frozenset({Cause.CANCELLED, Cause.PREEMPTED, Cause.LOST})


async def run_started(
    conn: AsyncConnection, job: JobRow, checkpoint: CheckpointRow | None = None
) -> None:
    """Have a run made for the attempt that was claimed just now.

    Args:
        conn: The transaction.
        job: The job.
        checkpoint: What the attempt resumes from. Default: it starts anew.
    """
    started = RunStarted(attempt=job.attempt)
    started.start_time.FromDatetime(job.updated_at)
    if checkpoint is not None:
        started.resumed_attempt, started.resumed_step = checkpoint.attempt, checkpoint.step
    await _add(conn, job, Projection(run_started=started))


async def metrics(
    conn: AsyncConnection,
    job: JobRow,
    points: Sequence[MetricPoint],
    *,
    at: datetime | None = None,
) -> None:
    """Have metric points written to the newest attempt's run.

    Args:
        conn: The transaction.
        job: The job.
        points: At most 1,000.
        at: When they were measured. Default: when the job changed.
    """
    batch = MetricBatch(attempt=job.attempt)
    for point in points:
        key = f"{point.split}_{point.name}" if point.split else point.name
        projected = ProjectedMetric(key=key, value=point.value, step=point.step)
        projected.event_time.FromDatetime(at or job.updated_at)
        batch.points.append(projected)
    await _add(conn, job, Projection(metrics=batch))


async def run_ended(conn: AsyncConnection, job: JobRow, outcome: str) -> None:
    """Have the attempt's run ended.

    Args:
        conn: The transaction.
        job: The job after the attempt.
        outcome: As in `job_attempts.outcome`.
    """
    if outcome == SUCCEEDED:
        status = _FINISHED
    else:
        status = _KILLED if Cause(outcome) in _KILLING else _FAILED
    ended = RunEnded(attempt=job.attempt, status=status)
    ended.end_time.FromDatetime(job.updated_at)
    await _add(conn, job, Projection(run_ended=ended))


async def _add(conn: AsyncConnection, job: JobRow, projection: Projection) -> None:
    await outbox.add_projection(conn, job_id=job.id, payload=projection.SerializeToString())
