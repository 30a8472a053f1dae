"""ArtifactService: tells about artifacts and hands out their packages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.empty_pb2 import Empty

from omniscope.registry.v1 import artifact_service_pb2 as messages
from omniscope.registry.v1.artifact_service_pb2_grpc import ArtifactServiceServicer
from omniscope_registry.packages.download import download
from omniscope_service.rpc.auth import current_caller

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from google.api.httpbody_pb2 import HttpBody

    from omniscope.common.v1.artifact_pb2 import Artifact
    from omniscope_registry.artifacts.store_sql import SqlArtifactStore
    from omniscope_service.artifacts import ArtifactStore
    from omniscope_service.rpc.context import Context


class ArtifactServicer(ArtifactServiceServicer):
    """Serves the caller's own artifacts.

    Args:
        store: Rows.
        artifacts: Packages.
    """

    def __init__(self, store: SqlArtifactStore, artifacts: ArtifactStore) -> None:
        self._store = store
        self._artifacts = artifacts

    async def GetArtifact(
        self, request: messages.GetArtifactRequest, context: Context
    ) -> Artifact:
        """Return an artifact."""
        return await self._store.get(current_caller().subject, request.artifact_id)

    async def ListArtifacts(
        self, request: messages.ListArtifactsRequest, context: Context
    ) -> messages.ListArtifactsResponse:
        """List the caller's artifacts."""
        artifacts, token = await self._store.list_page(
            current_caller().subject, request, show_deleted=request.show_deleted
        )
        return messages.ListArtifactsResponse(artifacts=artifacts, next_page_token=token)

    async def DeleteArtifact(
        self, request: messages.DeleteArtifactRequest, context: Context
    ) -> Empty:
        """Delete an artifact."""
        await self._store.delete(current_caller().subject, request.artifact_id)
        return Empty()

    async def UndeleteArtifact(
        self, request: messages.UndeleteArtifactRequest, context: Context
    ) -> Artifact:
        """Bring a deleted artifact back."""
        owner = current_caller().subject
        await self._store.undelete(owner, request.artifact_id)
        return await self._store.get(owner, request.artifact_id)

    async def DownloadArtifact(
        self, request: messages.DownloadArtifactRequest, context: Context
    ) -> AsyncIterator[HttpBody]:
        """Stream an artifact's package, or a folder of it, as a tar."""
        package = await self._store.package(current_caller().subject, request.artifact_id)
        async for piece in download(self._artifacts, package, request.folder):
            yield piece
