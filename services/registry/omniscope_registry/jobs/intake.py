"""Takes a checked job in: finds what it reads, puts long lists away, stores it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from omniscope_registry.jobs.checking import check_submission, inputs_from_proto, submission_hash
from omniscope_registry.jobs.domain import TERMINAL, JobState
from omniscope_registry.jobs.values import NewJob
from omniscope_service.errors import FailedPrecondition
from omniscope_service.names import check_uuid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from omniscope.registry.v1.job_intake_service_pb2 import ColumnList, SubmitJobRequest
    from omniscope_registry.jobs.sql.reading import SqlJobReader
    from omniscope_registry.jobs.sql.store import SqlJobStore
    from omniscope_registry.jobs.sql.workers import SqlWorkerStore
    from omniscope_registry.jobs.values import JobRow
    from omniscope_service.artifacts import ArtifactStore

_DEFAULT_EXPERIMENT = "default"
# What makes a job another one is not copied when it is repeated.
_COPIED = frozenset(field.name for field in fields(NewJob)) - {
    "request_id", "request_hash", "deadline_seconds", "retry_of"
}  # fmt: skip


class ColumnLists:
    """Lists of column names that are too long for a row: artifacts, named by their content."""

    def __init__(self, artifacts: ArtifactStore) -> None:
        self._artifacts = artifacts

    async def put(self, lists: Mapping[str, ColumnList]) -> dict[str, dict[str, Any]]:
        """Store lists; return what finds them again, by field name."""
        found = {}
        for field, columns in lists.items():
            data = json.dumps(list(columns.names)).encode()
            digest = hashlib.sha256(data).hexdigest()
            await self._artifacts.put_bytes(_key(digest), data)
            found[field] = {"digest": digest, "count": len(columns.names)}
        return found

    async def get(self, lists: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
        """Return the names that `put` has stored, by field name."""
        return {
            field: json.loads(await self._artifacts.get_bytes(_key(found["digest"])))
            for field, found in lists.items()
        }


class JobIntake:
    """Makes jobs of submissions."""

    def __init__(
        self,
        store: SqlJobStore,
        reader: SqlJobReader,
        column_lists: ColumnLists,
        workers: SqlWorkerStore,
    ) -> None:
        self._store = store
        self._reader = reader
        self._column_lists = column_lists
        self._workers = workers

    async def submit(self, owner: str, request: SubmitJobRequest) -> JobRow | None:
        """Store a job; return it, or None when it was only to be checked.

        Raises:
            InvalidArgument: A field is wrong; reason FIELD_INVALID or NAME_INVALID.
            AlreadyExists: The request id came with another payload; reason REQUEST_ID_REUSED.
            NotFound: The owner has no such input; reason DATASET_NOT_FOUND or MODEL_NOT_FOUND.
        """
        check_submission(request)
        request_id = None
        if request.request_id:
            request_id = check_uuid(request.request_id, field="request_id")
        request_hash = submission_hash(request) if request_id else None
        earlier = await self._store.submitted(owner, request_id, request_hash)
        if earlier is not None and not request.validate_only:
            # Also when what it read is gone by now.
            return earlier
        await self._store.require_inputs(owner, inputs_from_proto(request.inputs))
        if request.validate_only:
            return None
        lists = await self._column_lists.put(request.column_lists)
        resource_class = await self._workers.resolve_class(request.service, request.resource_class)
        new = _new_job(owner, request, resource_class, lists, request_id, request_hash)
        return await self._store.submit(new)

    async def retry(self, owner: str, job_id: str, request_id: str) -> JobRow:
        """Start an ended job once more, as a new one; the old one stays as it is.

        Args:
            owner: Whose job it is.
            job_id: The job to repeat.
            request_id: Makes the call idempotent; empty: every call starts another job.

        Raises:
            NotFound: Reason JOB_NOT_FOUND, or DATASET_NOT_FOUND or MODEL_NOT_FOUND when what it
                read is gone.
            FailedPrecondition: It has not ended, or has succeeded; reason JOB_NOT_RETRYABLE.
            AlreadyExists: The request id came with another payload; reason REQUEST_ID_REUSED.
        """
        unique = check_uuid(request_id, field="request_id") if request_id else None
        request_hash = hashlib.sha256(f"retry:{job_id}".encode()).hexdigest() if unique else None
        earlier = await self._store.submitted(owner, unique, request_hash)
        if earlier is not None:
            return earlier
        job = await self._reader.get(owner, job_id)
        _require_retryable(job)
        return await self._store.submit(_repeated(job, unique, request_hash))


def _require_retryable(job: JobRow) -> None:
    if job.status in TERMINAL - {JobState.SUCCEEDED}:
        return
    advice = (
        "it has its result: start another job for another"
        if job.status == JobState.SUCCEEDED
        else "wait for its end, or cancel it"
    )
    raise FailedPrecondition(
        f"job {job.id} is {job.status}, and only a job that ended without success can be "
        f"repeated: {advice}",
        reason="JOB_NOT_RETRYABLE",
        field="job_id",
    )


def _repeated(job: JobRow, request_id: str | None, request_hash: str | None) -> NewJob:
    copied = {
        field.name: getattr(job, field.name) for field in fields(NewJob) if field.name in _COPIED
    }
    deadline = job.deadline_at - job.created_at if job.deadline_at else timedelta(0)
    return NewJob(
        **copied,
        request_id=request_id,
        request_hash=request_hash,
        deadline_seconds=round(deadline.total_seconds()),
        retry_of=job.id,
    )


def _new_job(
    owner: str,
    request: SubmitJobRequest,
    resource_class: str,
    column_lists: Mapping[str, Mapping[str, Any]],
    request_id: str | None,
    request_hash: str | None,
) -> NewJob:
    return NewJob(
        owner=owner,
        service=request.service,
        resource_class=resource_class,
        model_type=request.model_type,
        model_name=request.model_name,
        inputs=inputs_from_proto(request.inputs),
        artifact_kind=request.artifact_kind,
        experiment=request.experiment or _DEFAULT_EXPERIMENT,
        description=request.description,
        tags=dict(request.tags),
        warnings=list(request.warnings),
        config=request.config.SerializeToString(deterministic=True),
        column_lists=column_lists,
        hard_limit_seconds=request.hard_limit_seconds,
        deadline_seconds=request.deadline_seconds,
        request_id=request_id,
        request_hash=request_hash,
    )


def _key(digest: str) -> str:
    return f"column-lists/{digest}.json"
