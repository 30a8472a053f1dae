"""Values that the parts of the job system hand to each other; none of them knows a database."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class JobRow:
    """A row of `training_jobs`; `tables/jobs.py` says what the columns mean.

    Attributes:
        status: Lower-case state, a value of `jobs.domain.JobState`.
        config: A serialized `google.protobuf.Any`.
    """

    id: str
    owner: str
    service: str
    resource_class: str
    model_type: str
    status: str
    progress: float
    message: str
    error: Mapping[str, str] | None
    model_id: str | None
    model_name: str
    dataset_id: str
    dataset_key: str
    dataset_digest: str
    experiment: str
    description: str
    tags: Mapping[str, str]
    warnings: list[str]
    config: bytes
    column_lists: Mapping[str, Mapping[str, Any]]
    request_id: str | None
    request_hash: str | None
    hard_limit_seconds: int
    attempt: int
    lease_token_hash: str | None
    lease_until: datetime | None
    worker_id: str | None
    cancel_requested_at: datetime | None
    cancel_reason: str
    run_after: datetime
    hinted_at: datetime | None
    nudge: int
    last_sequence: int
    stopped_early: bool
    version: int
    started_at: datetime | None
    completed_at: datetime | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    retry_of: str | None
    deadline_at: datetime | None
    pruned_sequence: int

    @classmethod
    def from_row(cls, row: object) -> Self:
        """Take a row that has all columns of `training_jobs`, and maybe more."""
        return cls(*(getattr(row, name) for name in _JOB_COLUMNS))


_JOB_COLUMNS = tuple(field.name for field in fields(JobRow))


class StatusRow(NamedTuple):
    """What a poller sees of a job."""

    id: str
    status: str
    progress: float
    message: str
    error: dict[str, Any] | None
    model_id: str | None
    attempt: int
    stopped_early: bool
    service: str
    resource_class: str
    ahead: int | None


@dataclass(frozen=True, slots=True)
class NewJob:
    """A checked job that is to be stored; `tables/jobs.py` says what the fields mean."""

    owner: str
    service: str
    resource_class: str
    model_type: str
    model_name: str
    dataset_id: str
    dataset_key: str
    dataset_digest: str
    experiment: str
    description: str
    tags: Mapping[str, str]
    warnings: list[str]
    config: bytes
    column_lists: Mapping[str, Mapping[str, Any]]
    hard_limit_seconds: int
    request_id: str | None
    request_hash: str | None
    deadline_seconds: int = 0
    retry_of: str | None = None


@dataclass(frozen=True, slots=True)
class Quota:
    """What one owner may have; 0 means no limit.

    Attributes:
        active_jobs: Jobs that have not ended, waiting or running.
        submissions_per_minute: New jobs within any 60 seconds.
    """

    active_jobs: int
    submissions_per_minute: int


UNLIMITED: Final = Quota(0, 0)


@dataclass(frozen=True, slots=True)
class DatasetRow:
    """A stored dataset.

    Attributes:
        key: Of its file in the artifact store.
        digest: SHA-256 of that file, hexadecimal.
    """

    id: str
    name: str
    key: str
    digest: str


@dataclass(frozen=True, slots=True)
class VerifiedPackage:
    """A model package whose files were all found and match its manifest.

    Attributes:
        key: Of the package in the artifact store.
        manifest_digest: SHA-256 of `manifest.json`, hexadecimal.
        manifest: The parsed manifest.
        results: `results.json`, the JSON form of `common.v1.ModelResults`.
        size_bytes: Of all files together.
    """

    key: str
    manifest_digest: str
    manifest: Mapping[str, Any]
    results: Mapping[str, Any]
    size_bytes: int
