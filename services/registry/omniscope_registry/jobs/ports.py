"""What jobs need of the catalogue, and the row that both sides speak of."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Row
    from sqlalchemy.ext.asyncio import AsyncConnection


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
    def from_row(cls, row: Row[*tuple[Any, ...]]) -> JobRow:
        """Take a row that has all columns of `training_jobs`, and maybe more."""
        return cls(*(getattr(row, name) for name in _JOB_COLUMNS))


_JOB_COLUMNS = tuple(field.name for field in fields(JobRow))


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


class DatasetLookup(Protocol):
    """Finds datasets."""

    async def find(self, owner: str, id_or_name: str) -> DatasetRow | None:
        """Return the owner's dataset by id, or the newest of that name; None without one."""
        ...

    async def hold(self, conn: AsyncConnection, owner: str, dataset_id: str) -> bool:
        """Keep the owner's dataset from being deleted until the transaction ends.

        Returns:
            False when there is none such any more.
        """
        ...


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


class ModelRegistrar(Protocol):
    """Turns the package of a finished attempt into a model."""

    async def verify(self, package_key: str, manifest_digest: str) -> VerifiedPackage:
        """Check every file of the package against its manifest, and sign the manifest.

        Idempotent; runs outside any transaction.

        Raises:
            DataLoss: A file is missing or differs; reason PACKAGE_CORRUPT.
        """
        ...

    async def register(self, conn: AsyncConnection, package: VerifiedPackage, job: JobRow) -> str:
        """Insert the model within the caller's transaction and return its id.

        Args:
            conn: The transaction that also makes the job SUCCEEDED.
            package: From `verify`.
            job: The job, still running; `job.attempt` is the attempt that made the package.
        """
        ...
