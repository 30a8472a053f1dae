"""Values that the parts of the job system hand to each other; none of them knows a database."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime


class InputKind(StrEnum):
    """The kinds of inputs that a job can read."""

    DATASET = "dataset"
    MODEL = "model"


class StoredInput(NamedTuple):
    """Where a dataset or a model lies.

    Attributes:
        artifact_key: Of a dataset's file, or of the folder that a model's package is.
        digest: SHA-256, hexadecimal: of that file, or of the package's manifest.
    """

    artifact_key: str
    digest: str


@dataclass(frozen=True, slots=True)
class JobInput:
    """Something that a job reads.

    Attributes:
        role: What it reads it for.
        kind: What it is.
        id: Of the dataset or the model.
        stored: Where it lies; None until it was looked up.
    """

    role: str
    kind: InputKind
    id: str
    stored: StoredInput | None = None

    @property
    def reference(self) -> dict[str, str]:
        """The id by the field that has it, `dataset_id` or `model_id`."""
        return {f"{self.kind}_id": self.id}


@dataclass(frozen=True, slots=True)
class JobRow:
    """A row of `training_jobs`; `tables/jobs.py` says what the columns mean.

    Attributes:
        status: Lower-case state, a value of `jobs.domain.JobState`.
        config: A serialized `google.protobuf.Any`.
        inputs: What it reads, where that was asked for; rows of `job_inputs`.
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
    artifact_kind: str
    artifact_id: str | None
    inputs: Sequence[JobInput] = ()

    @classmethod
    def from_row(cls, row: object) -> Self:
        """Take a row that has all columns of `training_jobs`, and maybe more; without inputs."""
        return cls(*(getattr(row, name) for name in _JOB_COLUMNS))


_JOB_COLUMNS = tuple(each.name for each in fields(JobRow) if each.name != "inputs")


class StatusRow(NamedTuple):
    """The status of a job, as a poller sees it."""

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
    artifact_id: str | None
    ahead: int | None


@dataclass(frozen=True, slots=True)
class NewJob:
    """A checked job that is to be stored; `tables/jobs.py` says what the fields mean."""

    owner: str
    service: str
    resource_class: str
    model_type: str
    model_name: str
    inputs: Sequence[JobInput]
    artifact_kind: str
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
    """Limits of one owner's jobs; 0 means no limit.

    Attributes:
        active_jobs: Jobs that have not ended, waiting or running.
        submissions_per_minute: New jobs within any 60 seconds.
    """

    active_jobs: int
    submissions_per_minute: int


UNLIMITED: Final = Quota(0, 0)


@dataclass(frozen=True, slots=True)
class VerifiedPackage:
    """A package whose files were all found and match its manifest.

    Attributes:
        key: Of the package in the artifact store.
        manifest_digest: SHA-256 of `manifest.json`, hexadecimal.
        manifest: The parsed manifest.
        size_bytes: Of all files together.
        results: Of a model: `results.json`, the JSON form of `common.v1.ModelResults`.
    """

    key: str
    manifest_digest: str
    manifest: Mapping[str, Any]
    size_bytes: int
    results: Mapping[str, Any] = field(default_factory=dict)


class JobResult(NamedTuple):
    """The result of a job: a model or an artifact, by its id."""

    model_id: str | None = None
    artifact_id: str | None = None
