"""Compares a package with its manifest, and signs the manifest of one that matches."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from omniscope_registry.jobs.values import VerifiedPackage
from omniscope_registry.packages.package import (
    corrupt,
    packaged_files,
    parse_manifest,
    read_manifest,
    verify_files,
)
from omniscope_service.package_paths import PUBLIC_KEY, SIGNATURE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from omniscope_registry.jobs.values import JobRow
    from omniscope_registry.packages.signing import ManifestSigner
    from omniscope_service.artifacts import ArtifactStore


class PackageVerifier:
    """Checks packages of finished attempts. Every method may be repeated.

    Args:
        artifacts: Packages.
        signer: Signs their manifests.
    """

    def __init__(self, artifacts: ArtifactStore, signer: ManifestSigner) -> None:
        self._artifacts = artifacts
        self._signer = signer

    async def verify(
        self,
        package_key: str,
        manifest_digest: str,
        fields: Mapping[str, type] = MappingProxyType({}),
    ) -> VerifiedPackage:
        """Check every file of a package against its manifest.

        Args:
            package_key: Of the package in the artifact store.
            manifest_digest: SHA-256 of its manifest, hexadecimal.
            fields: What the manifest must have besides what every one has, and of which type.

        Raises:
            DataLoss: A file is missing, differs or is not listed; reason PACKAGE_CORRUPT.
        """
        data = await read_manifest(self._artifacts, package_key, manifest_digest)
        manifest = parse_manifest(package_key, data, fields)
        files = packaged_files(package_key, manifest)
        await verify_files(self._artifacts, package_key, files)
        size = len(data) + sum(file.size_bytes for file in files)
        return VerifiedPackage(package_key, manifest_digest, manifest, size)

    async def sign(self, package: VerifiedPackage) -> None:
        """Add the signature of the manifest and the public key to a package."""
        manifest = await read_manifest(self._artifacts, package.key, package.manifest_digest)
        for path, data in (
            (SIGNATURE, self._signer.sign(manifest)),
            (PUBLIC_KEY, self._signer.public_key),
        ):
            await self._artifacts.put_bytes(f"{package.key}/{path}", data)


def require_made_by(package: VerifiedPackage, job: JobRow) -> None:
    """Refuse a package that another attempt made.

    Raises:
        DataLoss: Reason PACKAGE_CORRUPT.
    """
    made_by = package.manifest["job_id"], package.manifest["attempt"]
    if made_by != (job.id, job.attempt):
        corrupt(package.key, f"attempt {made_by[1]} of job {made_by[0]} made it")
