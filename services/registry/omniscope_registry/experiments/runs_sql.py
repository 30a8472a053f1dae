"""Runs, read from the jobs. The owner is part of every query."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select

from omniscope_registry.experiments.convert import run_to_proto
from omniscope_registry.jobs.domain import JobState
from omniscope_registry.jobs.sql.inputs import INPUT_FILTERS, first_inputs
from omniscope_registry.listing.filter import Filterable, FilterField, FilterMap
from omniscope_registry.listing.keyset import fetch_rows, reading
from omniscope_registry.tables.artifacts import job_artifacts
from omniscope_registry.tables.jobs import training_jobs
from omniscope_registry.tables.models import ml_models
from omniscope_service.errors import NotFound
from omniscope_service.names import is_id, is_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Row, Select

    from omniscope.registry.v1 import experiment_service_pb2 as messages
    from omniscope_registry.database import Database
    from omniscope_registry.jobs.values import JobInput

_JOBS = training_jobs.c
_LISTED: Final = [
    _JOBS[name]
    for name in (
        "id", "experiment", "model_name", "status", "attempt", "model_id", "artifact_id", "tags",
        "created_at", "started_at", "completed_at",
    )
]  # fmt: skip
_OF_RESULT: Final = [
    func.coalesce(ml_models.c.mlflow_run_id, job_artifacts.c.mlflow_run_id).label("mlflow_run_id"),
    ml_models.c.metrics.label("held_out"),
]
_FILTER_FIELDS: Final[dict[str, Filterable]] = {
    "state": FilterField(_JOBS.status, allowed=tuple(JobState)),
    "service": _JOBS.service,
    "name": _JOBS.model_name,
    "tags": FilterMap(_JOBS.tags),
    **INPUT_FILTERS,
}


class SqlRunReader:
    """Reads the runs of one owner at a time; somebody else's do not exist."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, owner: str, request: messages.ListRunsRequest
    ) -> tuple[list[messages.Run], str]:
        """Return a page of an experiment's runs, and the token of the next page.

        Raises:
            InvalidArgument: The request is wrong; see `listing`.
        """
        # PostgreSQL fails at a text with a zero byte; no experiment has such a name.
        name = request.experiment if is_name(request.experiment) else ""
        async with reading(self._database, request) as conn:
            page = await fetch_rows(
                conn,
                _runs().where(_JOBS.deleted_at.is_(None), _JOBS.experiment == name),
                request=request,
                owner=owner,
                key=_JOBS.id,
                fields=_FILTER_FIELDS,
                scope=["runs", name],
            )
            inputs = await first_inputs(conn, [row.id for row in page.rows])
        return page.answer(lambda row: run_to_proto(row, inputs[row.id]))

    async def get(self, owner: str, run_id: str) -> tuple[Row[Any], Sequence[JobInput]]:
        """Return a run's row, with its request as `config`, and what it reads.

        Raises:
            NotFound: The owner has none such; reason RUN_NOT_FOUND.
        """
        if not is_id(run_id):
            raise run_not_found(run_id)
        query = _runs(_JOBS.config).where(*_owned(owner), _JOBS.id == run_id.upper())
        async with self._database.read() as conn:
            row: Row[Any] | None = (await conn.execute(query)).first()
            if row is None:
                raise run_not_found(run_id)
            return row, (await first_inputs(conn, [row.id]))[row.id]


def run_not_found(run_id: str) -> NotFound:
    """Return the error for a run that is not there, or not the caller's."""
    return NotFound(
        f"There is no run {run_id[:64]!r}.",
        reason="RUN_NOT_FOUND",
        field="run_id",
        metadata={"resource_type": "run", "resource_name": run_id[:64]},
    )


def _owned(owner: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return _JOBS.owner == owner, _JOBS.deleted_at.is_(None)


def _runs(*columns: ColumnElement[Any]) -> Select[Any]:
    with_model = training_jobs.outerjoin(ml_models, ml_models.c.id == _JOBS.model_id)
    joined = with_model.outerjoin(job_artifacts, job_artifacts.c.id == _JOBS.artifact_id)
    return select(*_LISTED, *_OF_RESULT, *columns).select_from(joined)
