"""What jobs need of the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from omniscope_registry.jobs.values import DatasetRow, JobRow, VerifiedPackage


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
