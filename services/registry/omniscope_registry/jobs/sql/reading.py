"""Reads jobs. Statements are built once: pollers ask for the same thing over and over."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import LargeBinary, bindparam, case, literal, select

from omniscope_registry.jobs.convert import job_to_proto
from omniscope_registry.jobs.domain import JobState
from omniscope_registry.jobs.errors import job_not_found, require_job_id
from omniscope_registry.jobs.sql.inputs import INPUT_FILTERS, first_inputs, with_inputs
from omniscope_registry.jobs.sql.queue_positions import (
    COUNTED_POSITIONS,
    jobs_ahead,
    jobs_ahead_of_row,
)
from omniscope_registry.jobs.sql.state_literals import QUEUED
from omniscope_registry.jobs.sql.workers import present_kinds
from omniscope_registry.jobs.values import JobRow, StatusRow
from omniscope_registry.jobs.worker_values import WorkerKind
from omniscope_registry.listing.filter import Filterable, FilterField
from omniscope_registry.listing.keyset import fetch_rows, reading
from omniscope_registry.tables.jobs import training_jobs

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Row

    from omniscope.common.v1.job_pb2 import Job
    from omniscope_registry.database import Database
    from omniscope_registry.listing.keyset import ListRequest

_JOBS = training_jobs.c
_AHEAD = case((_JOBS.status == QUEUED, jobs_ahead_of_row())).label("ahead")
_OWNED = (
    _JOBS.owner == bindparam("owner"),
    _JOBS.id == bindparam("job_id"),
    _JOBS.deleted_at.is_(None),
)
_STATUS = select(*(_JOBS[name] for name in StatusRow._fields[:-1]), _AHEAD).where(*_OWNED)
_GET = select(training_jobs, _AHEAD).where(*_OWNED)
_EXISTS = select(_JOBS.id).where(*_OWNED)
_LISTED = [column for column in training_jobs.columns if column.name != "config"]
_LIST = select(*_LISTED, literal(b"", LargeBinary).label("config")).where(
    _JOBS.deleted_at.is_(None)
)
_FILTER_FIELDS: dict[str, Filterable] = {
    "state": FilterField(_JOBS.status, allowed=tuple(JobState)),
    **{
        name: _JOBS[name]
        for name in ("service", "model_type", "artifact_kind", "experiment", "model_name")
    },
    **INPUT_FILTERS,
}


class SqlJobReader:
    """Reads the jobs of one owner at a time; somebody else's do not exist."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def status(self, owner: str, job_id: str) -> StatusRow:
        """Return what a poller sees.

        Raises:
            NotFound: Reason JOB_NOT_FOUND.
        """
        require_job_id(job_id)
        async with self._database.read() as conn:
            found = (await conn.execute(_STATUS, {"owner": owner, "job_id": job_id})).one_or_none()
            if found is None:
                raise job_not_found(job_id)
            status = StatusRow._make(found)
            if status.status != JobState.QUEUED:
                return status
            present = await present_kinds(conn, self._database)
        return status._replace(message=_why_it_waits(status, status.ahead, present))

    async def get(self, owner: str, job_id: str) -> JobRow:
        """Return the whole job, with its inputs.

        Raises:
            NotFound: Reason JOB_NOT_FOUND.
        """
        require_job_id(job_id)
        async with self._database.read() as conn:
            found = (await conn.execute(_GET, {"owner": owner, "job_id": job_id})).one_or_none()
            if found is None:
                raise job_not_found(job_id)
            queued = found.status == JobState.QUEUED
            present = await present_kinds(conn, self._database) if queued else ()
            return await with_inputs(conn, _job(found, found.ahead, present))

    async def require(self, owner: str, job_id: str) -> None:
        """Do nothing when there is such a job.

        Raises:
            NotFound: Reason JOB_NOT_FOUND.
        """
        require_job_id(job_id)
        async with self._database.read() as conn:
            found = await conn.scalar(_EXISTS, {"owner": owner, "job_id": job_id})
        if found is None:
            raise job_not_found(job_id)

    async def list_page(self, owner: str, request: ListRequest) -> tuple[list[Job], str]:
        """Return a page of jobs, without `config`, and the token of the next one.

        Raises:
            InvalidArgument: The request is wrong; see `listing`.
        """
        async with reading(self._database, request) as conn:
            present = await present_kinds(conn, self._database)
            page = await fetch_rows(
                conn, _LIST, request=request, owner=owner, key=_JOBS.id, fields=_FILTER_FIELDS
            )
            ahead = await jobs_ahead(conn, page.rows)
            inputs = await first_inputs(conn, [row.id for row in page.rows])

        def listed(row: Row[Any]) -> Job:
            job = _job(row, ahead.get(row.id), present)
            return job_to_proto(replace(job, inputs=inputs[job.id]))

        return page.answer(listed)


def _job(row: Row[*tuple[Any, ...]], ahead: int | None, present: Collection[WorkerKind]) -> JobRow:
    job = JobRow.from_row(row)
    if job.status != JobState.QUEUED:
        return job
    return replace(job, message=_why_it_waits(job, ahead, present))


def _why_it_waits(
    job: JobRow | StatusRow, ahead: int | None, present: Collection[WorkerKind]
) -> str:
    """Return a queued job's message with what is known only while the row is read.

    Args:
        job: The job.
        ahead: Jobs before it in the queue.
        present: The workers that there are.
    """
    message = job.message
    if WorkerKind(job.service, job.resource_class) not in present:
        message = _without_worker(job)
    if not ahead:
        return message
    position = f"more than {COUNTED_POSITIONS}" if ahead == COUNTED_POSITIONS else str(ahead + 1)
    return f"{message} Position in the queue: {position}."


def _without_worker(job: JobRow | StatusRow) -> str:
    if job.attempt == 0:
        return f"{job.message.removesuffix('.')}; none has announced itself."
    return f"{job.message} No {job.resource_class} worker of {job.service} has announced itself."
