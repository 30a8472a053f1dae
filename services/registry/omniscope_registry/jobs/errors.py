"""Errors that several parts of the job system raise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omniscope_service.errors import Aborted, NotFound
from omniscope_service.names import is_id

if TYPE_CHECKING:
    from omniscope_registry.jobs.domain import Lease
    from omniscope_registry.jobs.values import JobInput


def require_job_id(job_id: str) -> None:
    """Refuse what cannot be a job's id before a database is asked that cannot hold all texts.

    Raises:
        NotFound: Reason JOB_NOT_FOUND.
    """
    if not is_id(job_id):
        raise job_not_found(job_id)


def job_not_found(job_id: str) -> NotFound:
    """Return the error for a job that is not there, or not the caller's."""
    return NotFound(
        f"There is no job {job_id[:64]!r}.",
        reason="JOB_NOT_FOUND",
        field="job_id",
        metadata={"resource_type": "job", "resource_name": job_id[:64]},
    )


def input_not_found(missing: JobInput, position: int) -> NotFound:
    """Return the error for an input that is gone, or not the owner's."""
    return NotFound(
        f"There is no {missing.kind} {missing.id!r}.",
        reason=f"{missing.kind.name}_NOT_FOUND",
        field=f"inputs[{position}].{missing.kind}_id",
        metadata={"resource_type": missing.kind.value, "resource_name": missing.id},
    )


def stale_attempt(lease: Lease) -> Aborted:
    """Return the error that makes a worker kill the child of an attempt."""
    return Aborted(
        f"attempt {lease.attempt} of job {lease.job_id[:64]!r} does not hold the lease",
        reason="STALE_ATTEMPT",
        field="lease",
    )
