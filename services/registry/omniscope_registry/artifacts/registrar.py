"""Turns the package of a finished attempt into an artifact."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omniscope_registry.artifacts import projections
from omniscope_registry.jobs.values import JobResult
from omniscope_registry.packages.package import corrupt
from omniscope_registry.packages.verifier import require_made_by

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from omniscope_registry.artifacts.store_sql import SqlArtifactStore
    from omniscope_registry.jobs.values import JobRow, VerifiedPackage
    from omniscope_registry.packages.verifier import PackageVerifier
    from omniscope_service.artifacts import ArtifactStore


class ArtifactRegistrar:
    """The `ResultRegistrar` of jobs that make an artifact.

    Args:
        store: Rows.
        artifacts: Packages.
        verifier: Checks and signs them.
    """

    def __init__(
        self, store: SqlArtifactStore, artifacts: ArtifactStore, verifier: PackageVerifier
    ) -> None:
        self._store = store
        self._artifacts = artifacts
        self._verifier = verifier

    async def verify(self, package_key: str, manifest_digest: str) -> VerifiedPackage:
        """Check every file of a package against its manifest, and sign the manifest.

        Idempotent. The signature and the public key join the package.

        Raises:
            DataLoss: A file is missing, differs or is not listed; reason PACKAGE_CORRUPT.
        """
        package = await self._verifier.verify(package_key, manifest_digest)
        await self._verifier.sign(package)
        return package

    async def register(
        self, conn: AsyncConnection, package: VerifiedPackage, job: JobRow
    ) -> JobResult:
        """Insert the artifact and its projection within the caller's transaction.

        Raises:
            DataLoss: Another attempt made the package, or it is of another kind; reason
                PACKAGE_CORRUPT.
        """
        require_made_by(package, job)
        if package.manifest["kind"] != job.artifact_kind:
            corrupt(
                package.key, f"kind is {package.manifest['kind']!r}, not {job.artifact_kind!r}"
            )
        artifact = await self._store.insert(conn, package, job)
        source = self._artifacts.url_of(package.key)
        await projections.registered(conn, job, artifact, source)
        return JobResult(artifact_id=artifact.artifact_id)
