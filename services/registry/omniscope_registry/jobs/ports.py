"""Interfaces by which jobs use the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy.ext.asyncio import AsyncConnection

    from omniscope_registry.database import Reader
    from omniscope_registry.jobs.values import JobResult, JobRow, StoredInput, VerifiedPackage


class InputSource(Protocol):
    """Finds what jobs read: datasets, or models."""

    async def find(
        self, conn: Reader, owner: str, ids: Collection[str], *, hold: bool = False
    ) -> Mapping[str, StoredInput]:
        """Return where the owner's own lie, by id; those that are not there are left out.

        Args:
            conn: Where to read.
            owner: Whose they have to be.
            ids: Which ones.
            hold: Keep them from being deleted until the transaction ends; a deletion that is under
                way is waited for, and seen.
        """
        ...


class ResultRegistrar(Protocol):
    """Turns the package of a finished attempt into what the job makes."""

    async def verify(self, package_key: str, manifest_digest: str) -> VerifiedPackage:
        """Check every file of the package against its manifest, and sign the manifest.

        Idempotent; runs outside any transaction, for as long as it takes.

        Raises:
            DataLoss: A file is missing or differs; reason PACKAGE_CORRUPT.
        """
        ...

    async def register(
        self, conn: AsyncConnection, package: VerifiedPackage, job: JobRow
    ) -> JobResult:
        """Insert the result within the caller's transaction.

        Args:
            conn: The transaction that also makes the job SUCCEEDED.
            package: From `verify`.
            job: The job with its inputs, still running; `job.attempt` is the attempt that made the
                package.
        """
        ...
