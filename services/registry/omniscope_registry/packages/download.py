"""The answer of a download: a package, or a folder of it, as a tar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.api.httpbody_pb2 import HttpBody

from omniscope_registry.packages.archive import package_tar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from omniscope_registry.packages.rows import StoredPackage
    from omniscope_service.artifacts import ArtifactStore

_TAR: Final = "application/x-tar"


async def download(
    artifacts: ArtifactStore, package: StoredPackage, folder: str
) -> AsyncIterator[HttpBody]:
    """Yield a package in pieces of at most 256 KiB; see `package_tar`."""
    async for chunk in package_tar(
        artifacts,
        package.key,
        manifest_digest=package.manifest_digest,
        time=package.created_at,
        folder=folder,
    ):
        yield HttpBody(content_type=_TAR, data=chunk)
