"""Artifacts, what jobs made that is no model: reading, downloading, deleting."""

from collections.abc import Callable, Iterator
from pathlib import Path

from google.protobuf.empty_pb2 import Empty

from omniscope.common.v1.artifact_pb2 import Artifact
from omniscope.registry.v1.artifact_service_pb2 import (
    DeleteArtifactRequest,
    DownloadArtifactRequest,
    GetArtifactRequest,
    ListArtifactsRequest,
    UndeleteArtifactRequest,
)
from omniscope.registry.v1.artifact_service_pb2_grpc import ArtifactServiceStub
from omniscope_client.calls import Calls
from omniscope_client.package import unpack_package
from omniscope_client.paging import Page, rows_of


class Artifacts:
    """Reads and deletes artifacts."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = ArtifactServiceStub(calls.channel)

    def get(self, artifact_id: str) -> Artifact:
        """Return an artifact."""
        request = GetArtifactRequest(artifact_id=artifact_id)
        return self._calls.unary(self._stub.GetArtifact, request)

    def list(
        self,
        limit: int = 50,
        query: str = "",
        *,
        order_by: str = "",
        show_deleted: bool = False,
    ) -> Iterator[Artifact]:
        """Yield artifacts, at most `limit`.

        Args:
            limit: How many at most.
            query: `ListArtifacts.filter`.
            order_by: `create_time`: those of the oldest jobs first. Default: of the newest.
            show_deleted: Deleted ones too, until they are purged.
        """

        def page(size: int, token: str) -> Page[Artifact]:
            request = ListArtifactsRequest(
                page_size=size,
                page_token=token,
                filter=query,
                order_by=order_by,
                show_deleted=show_deleted,
            )
            answer = self._calls.unary(self._stub.ListArtifacts, request)
            return answer.artifacts, answer.next_page_token

        return rows_of(page, limit)

    def download(
        self,
        artifact_id: str,
        folder: str | Path,
        *,
        on_progress: Callable[[int], None] = lambda _: None,
    ) -> Path:
        """Download an artifact's package, checked as `Models.download` checks a model's.

        Args:
            artifact_id: Id.
            folder: Folder to make; it must not exist.
            on_progress: Called with the number of bytes received so far.

        Returns:
            The folder.

        Raises:
            OmniscopeError: Also ALREADY_EXISTS, when the folder does, and DATA_LOSS, when what
                arrived is not what the registry signed.
            OSError: The folder cannot be written.
        """
        artifact = self.get(artifact_id)
        request = DownloadArtifactRequest(artifact_id=artifact_id)
        chunks = self._calls.download(self._stub.DownloadArtifact, request)
        return unpack_package(chunks, Path(folder), artifact.manifest_digest, on_progress)

    def delete(self, artifact_id: str) -> Empty:
        """Delete an artifact: it opens no more; `undelete` brings it back within 30 days."""
        request = DeleteArtifactRequest(artifact_id=artifact_id)
        return self._calls.unary(self._stub.DeleteArtifact, request)

    def undelete(self, artifact_id: str) -> Artifact:
        """Bring a deleted artifact back."""
        request = UndeleteArtifactRequest(artifact_id=artifact_id)
        return self._calls.unary(self._stub.UndeleteArtifact, request)
