"""Translates jobs between rows and the protocol."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration

from omniscope.common.v1.job_input_pb2 import JobInput as ProtoJobInput
from omniscope.common.v1.job_pb2 import Job, JobError
from omniscope.common.v1.job_pb2 import JobState as ProtoJobState
from omniscope.registry.v1.job_intake_service_pb2 import ColumnList, SubmitJobRequest
from omniscope.registry.v1.job_service_pb2 import JobStatus
from omniscope.registry.v1.worker_service_pb2 import (
    AttemptLease,
    ClaimedInput,
    ClaimJobResponse,
    HeartbeatResponse,
    StoredCheckpoint,
)
from omniscope_registry.jobs.domain import time_left

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from google.protobuf.timestamp_pb2 import Timestamp

    from omniscope_registry.jobs.domain import JobTimes
    from omniscope_registry.jobs.values import JobInput, JobRow, StatusRow
    from omniscope_registry.jobs.worker_values import Grant, HeartbeatDirectives


def job_to_proto(job: JobRow, *, with_config: bool = False) -> Job:
    """Return a job as clients see it.

    Args:
        job: The row.
        with_config: Add the request as the service understood it.
    """
    message = Job(
        job_id=job.id,
        service=job.service,
        model_type=job.model_type,
        state=state_to_proto(job.status),
        progress=job.progress,
        message=job.message,
        error=error_to_proto(job.error),
        model_id=job.model_id or "",
        model_name=job.model_name,
        inputs=map(input_to_proto, job.inputs),
        experiment=job.experiment,
        description=job.description,
        tags=job.tags,
        attempt=job.attempt,
        cancel_requested=job.cancel_requested_at is not None,
        stopped_early=job.stopped_early,
        created_by=job.owner,
        last_sequence=job.last_sequence,
        config=AnyMessage.FromString(job.config) if with_config else None,
        warnings=job.warnings,
        retry_of=job.retry_of or "",
        pruned_sequence=job.pruned_sequence,
        artifact_kind=job.artifact_kind,
        artifact_id=job.artifact_id or "",
    )
    _set_time(message.deadline, job.deadline_at)
    _set_time(message.create_time, job.created_at)
    _set_time(message.start_time, job.started_at)
    _set_time(message.end_time, job.completed_at)
    _set_time(message.update_time, job.updated_at)
    return message


def checked_to_proto(owner: str, request: SubmitJobRequest) -> Job:
    """Return the job that a submission would make; it has no id."""
    return Job(
        service=request.service,
        model_type=request.model_type,
        state=ProtoJobState.JOB_STATE_QUEUED,
        message="Checked; nothing was started.",
        model_name=request.model_name,
        inputs=request.inputs,
        artifact_kind=request.artifact_kind,
        experiment=request.experiment,
        description=request.description,
        tags=request.tags,
        created_by=owner,
        config=request.config,
        warnings=request.warnings,
    )


def grant_to_proto(
    grant: Grant,
    column_lists: Mapping[str, Sequence[str]],
    times: JobTimes,
    signing_public_key: bytes,
) -> ClaimJobResponse:
    """Return all that a worker needs of a granted claim."""
    job = grant.job
    left = time_left(job.deadline_at, job.lease_until, times)
    return ClaimJobResponse(
        lease=AttemptLease(job_id=job.id, attempt=job.attempt, lease_token=grant.token),
        lease_duration=duration_to_proto(times.lease),
        heartbeat_interval=duration_to_proto(times.heartbeat),
        job=job_to_proto(job, with_config=True),
        column_lists={name: ColumnList(names=names) for name, names in column_lists.items()},
        inputs=[_claimed_input(each) for each in job.inputs],
        signing_public_key=signing_public_key,
        artifacts_prefix=grant.artifacts_prefix,
        hard_limit=Duration(seconds=job.hard_limit_seconds),
        deadline_in=None if left is None else duration_to_proto(left),
        checkpoints=[StoredCheckpoint(**asdict(stored)) for stored in grant.checkpoints],
    )


def directives_to_proto(directives: HeartbeatDirectives, times: JobTimes) -> HeartbeatResponse:
    """Return the answer to a heartbeat."""
    left = directives.deadline_in
    return HeartbeatResponse(
        cancel_requested=directives.cancel,
        lease_duration=duration_to_proto(times.lease),
        deadline_in=None if left is None else duration_to_proto(left),
    )


def status_to_proto(status: StatusRow) -> JobStatus:
    """Return what a poller sees of a job."""
    return JobStatus(
        job_id=status.id,
        status=status.status,
        progress=status.progress,
        message=status.message,
        error=error_to_proto(status.error),
        model_id=status.model_id or "",
        attempt=status.attempt,
        stopped_early=status.stopped_early,
        artifact_id=status.artifact_id or "",
    )


def input_to_proto(each: JobInput) -> ProtoJobInput:
    """Return an input as clients see it."""
    return ProtoJobInput(role=each.role, **each.reference)


def _claimed_input(each: JobInput) -> ClaimedInput:
    claimed = ClaimedInput(role=each.role, **each.reference)
    if each.stored is not None:
        claimed.artifact_key, claimed.digest = each.stored
    return claimed


def state_to_proto(status: str) -> ProtoJobState.ValueType:
    """Return the enum value of a lower-case state."""
    return ProtoJobState.Value(f"JOB_STATE_{status.upper()}")


def error_to_proto(error: Mapping[str, Any] | None) -> JobError | None:
    """Return a stored error; None when there is none."""
    return None if error is None else JobError(**error)


def error_to_row(error: JobError) -> dict[str, str]:
    """Return an error as it is stored."""
    return {
        "code": error.code,
        "reason": error.reason,
        "message": error.message,
        "field": error.field,
    }


def duration_to_proto(duration: timedelta) -> Duration:
    """Return a span of time."""
    message = Duration()
    message.FromTimedelta(duration)
    return message


def _set_time(timestamp: Timestamp, value: datetime | None) -> None:
    if value is not None:
        timestamp.FromDatetime(value)
