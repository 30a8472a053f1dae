"""The `project` role: takes the outbox to MLflow, whenever MLflow is there."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, TypeVar

import structlog

from omniscope.registry.v1.projection_service_pb2 import (
    AcknowledgeProjectionsRequest,
    ListProjectionsRequest,
    Projection,
)
from omniscope_service.errors import ServiceError
from omniscope_service.registry_client import RegistryClient

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Sequence

    from omniscope_registry.projection.mlflow_writer import MlflowWriter

_FIRST_PAUSE_SECONDS: Final = 1.0
_LONGEST_PAUSE_SECONDS: Final = 60.0

T = TypeVar("T")

_log = structlog.get_logger()


@dataclass
class Written:
    """The part of a page that has been projected, also when the rest failed."""

    projection_ids: list[int] = field(default_factory=list)
    run_ids: dict[str, str] = field(default_factory=dict)


async def project(
    registry_target: str,
    service_token: str,
    stop: asyncio.Event,
    *,
    tracking_uri: str,
    artifacts_url: str,
) -> None:
    """Write projections to MLflow until `stop` is set.

    Neither a registry nor an MLflow that is down ends it: it tries again, at most a minute later.
    What MLflow refuses for good is logged and passed over, or it would hold up all that follows.

    Args:
        registry_target: gRPC target of the registry.
        service_token: This process's own token.
        stop: Ends it, after the page that is being written.
        tracking_uri: MLflow's.
        artifacts_url: The suite's artifact store.
    """
    pause = _FIRST_PAUSE_SECONDS
    writer: MlflowWriter | None = None
    async with RegistryClient(registry_target, service_token) as registry:
        while not stop.is_set():
            try:
                if writer is None:
                    writer = await asyncio.to_thread(_open_writer, tracking_uri, artifacts_url)
                page = await _unless(stop, _next_page(registry))
                await _project_page(registry, writer, page or [])
                pause = _FIRST_PAUSE_SECONDS
            except (ServiceError, OutageError) as error:
                _log.warning("projection waits", error=str(error), retry_in_seconds=pause)
                await _unless(stop, asyncio.sleep(pause))
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


class OutageError(Exception):
    """MLflow does not work now; trying again may help."""


def write_page(writer: MlflowWriter, projections: Iterable[Projection], written: Written) -> None:
    """Write projections in order, neighbouring metrics of one attempt together.

    Args:
        writer: MLflow.
        projections: Oldest first.
        written: Takes up what is done.

    Raises:
        OutageError: MLflow failed; `written` tells how far it got.
    """
    from omniscope_registry.projection.mlflow_writer import OUTAGES, is_refusal

    for (job_id, _, kind), group in groupby(projections, _place):
        together = list(group)
        try:
            _write(writer, kind, together, written)
        except OUTAGES as error:
            if not is_refusal(error):
                raise OutageError(f"MLflow failed: {type(error).__name__}") from error
            _pass_over(job_id, kind, error)
        except (ServiceError, ValueError, TypeError, LookupError) as error:
            _pass_over(job_id, kind, error)
        written.projection_ids += [projection.projection_id for projection in together]


def _pass_over(job_id: str, kind: str, error: Exception) -> None:
    # Without the error's text: it may hold values of parameters.
    _log.error("projection passed over", job_id=job_id, phase=kind, error=type(error).__name__)


async def _next_page(registry: RegistryClient) -> Sequence[Projection]:
    page = await registry.projections.ListProjections(ListProjectionsRequest())
    return page.projections


async def _project_page(
    registry: RegistryClient, writer: MlflowWriter, page: Sequence[Projection]
) -> None:
    written = Written()
    try:
        await asyncio.to_thread(write_page, writer, page, written)
    finally:
        if written.projection_ids:
            await registry.projections.AcknowledgeProjections(
                AcknowledgeProjectionsRequest(
                    projection_ids=written.projection_ids, mlflow_run_ids=written.run_ids
                )
            )


def _write(writer: MlflowWriter, kind: str, together: list[Projection], written: Written) -> None:
    if kind == "metrics":
        points = [point for each in together for point in each.metrics.points]
        writer.log_metrics(together[0].job, together[0].metrics.attempt, points)
        return
    for projection in together:
        job = projection.job
        if kind == "run_started":
            writer.start_run(job, projection.run_started)
        elif kind == "run_ended":
            writer.end_run(job, projection.run_ended)
        elif kind == "model_changed":
            writer.change_model(projection.model_changed)
        elif kind == "model_purged":
            writer.remove_model(projection.model_purged)
        elif kind == "artifact_registered":
            stored = projection.artifact_registered
            written.run_ids[stored.artifact.artifact_id] = writer.store_artifact(job, stored)
        elif kind == "artifact_purged":
            writer.remove_artifact(job, projection.artifact_purged)
        else:
            registered = projection.model_registered
            written.run_ids[registered.model.model_id] = writer.register_model(job, registered)


def _place(projection: Projection) -> tuple[str, int, str]:
    kind = projection.WhichOneof("projection") or ""
    return projection.job.job_id, getattr(projection, kind).attempt, kind


def _open_writer(tracking_uri: str, artifacts_url: str) -> MlflowWriter:
    # MLflow reports its use to its makers unless it is told not to.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    from omniscope_registry.projection.mlflow_writer import OUTAGES, MlflowWriter

    try:
        return MlflowWriter(tracking_uri, artifacts_url)
    except OUTAGES as error:
        raise OutageError(f"MLflow at its tracking URI fails: {type(error).__name__}") from error


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """Return what work returns; None when `stop` is set first."""
    working, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        for task in (working, stopping):
            task.cancel()
        await asyncio.gather(working, stopping, return_exceptions=True)
