"""ModelService: tells about models and hands out their packages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.empty_pb2 import Empty

from omniscope.registry.v1 import model_service_pb2 as messages
from omniscope.registry.v1.model_service_pb2_grpc import ModelServiceServicer
from omniscope_registry.models.convert import change_from_proto, max_depth_from_proto
from omniscope_registry.packages.download import download
from omniscope_service.rpc.auth import current_caller

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from google.api.httpbody_pb2 import HttpBody

    from omniscope.common.v1.lineage_pb2 import Lineage
    from omniscope.common.v1.model_pb2 import Model, ModelResults
    from omniscope_registry.models.aliases_sql import SqlAliasStore
    from omniscope_registry.models.changes_sql import SqlModelChanges
    from omniscope_registry.models.lineage_sql import SqlLineage
    from omniscope_registry.models.store_sql import SqlModelStore
    from omniscope_service.artifacts import ArtifactStore
    from omniscope_service.rpc.context import Context


class ModelServicer(ModelServiceServicer):
    """Serves the caller's own models.

    Args:
        store: Reads models.
        changes: Changes them.
        aliases: Points aliases to them.
        lineage: Knows what they were made of, and what was made of them.
        artifacts: Packages.
    """

    def __init__(
        self,
        store: SqlModelStore,
        changes: SqlModelChanges,
        aliases: SqlAliasStore,
        lineage: SqlLineage,
        artifacts: ArtifactStore,
    ) -> None:
        self._store = store
        self._changes = changes
        self._aliases = aliases
        self._lineage = lineage
        self._artifacts = artifacts

    async def GetModel(self, request: messages.GetModelRequest, context: Context) -> Model:
        """Return a model."""
        return await self._store.get(current_caller().subject, request.model_id)

    async def GetModelResults(
        self, request: messages.GetModelResultsRequest, context: Context
    ) -> ModelResults:
        """Return what came out of a model's training."""
        return await self._store.results(current_caller().subject, request.model_id)

    async def ListModels(
        self, request: messages.ListModelsRequest, context: Context
    ) -> messages.ListModelsResponse:
        """List the caller's models."""
        models, token = await self._store.list_page(
            current_caller().subject, request, show_deleted=request.show_deleted
        )
        return messages.ListModelsResponse(models=models, next_page_token=token)

    async def ListModelVersions(
        self, request: messages.ListModelVersionsRequest, context: Context
    ) -> messages.ListModelVersionsResponse:
        """List the versions under a model's name."""
        models, token = await self._store.versions_page(
            current_caller().subject, request.model_id, request, show_deleted=request.show_deleted
        )
        return messages.ListModelVersionsResponse(models=models, next_page_token=token)

    async def GetLineage(self, request: messages.GetLineageRequest, context: Context) -> Lineage:
        """Return what a model was made of, and what was made of it."""
        depth = max_depth_from_proto(request)
        return await self._lineage.of_model(current_caller().subject, request.model_id, depth)

    async def UpdateModel(self, request: messages.UpdateModelRequest, context: Context) -> Model:
        """Change a model's description or tags."""
        owner, change = current_caller().subject, change_from_proto(request)
        return await self._store.get(
            owner, await self._changes.update(owner, request.model.model_id, change)
        )

    async def DeleteModel(self, request: messages.DeleteModelRequest, context: Context) -> Empty:
        """Delete a model."""
        await self._changes.delete(current_caller().subject, request.model_id)
        return Empty()

    async def UndeleteModel(
        self, request: messages.UndeleteModelRequest, context: Context
    ) -> Model:
        """Bring a deleted model back."""
        owner = current_caller().subject
        return await self._store.get(owner, await self._changes.undelete(owner, request.model_id))

    async def SetAlias(
        self, request: messages.SetAliasRequest, context: Context
    ) -> messages.ModelAlias:
        """Point an alias to a model."""
        owner = current_caller().subject
        return await self._aliases.point(owner, request.model_id, request.alias, request.etag)

    async def DeleteAlias(self, request: messages.DeleteAliasRequest, context: Context) -> Empty:
        """Remove an alias."""
        owner = current_caller().subject
        await self._aliases.remove(owner, request.model_id, request.alias, request.etag)
        return Empty()

    async def ResolveAlias(
        self, request: messages.ResolveAliasRequest, context: Context
    ) -> messages.ModelAlias:
        """Return where an alias points."""
        owner = current_caller().subject
        return await self._aliases.resolve(owner, request.model_id, request.alias)

    async def DownloadModel(
        self, request: messages.DownloadModelRequest, context: Context
    ) -> AsyncIterator[HttpBody]:
        """Stream a model's package, or a folder of it, as a tar."""
        package = await self._store.package(current_caller().subject, request.model_id)
        async for piece in download(self._artifacts, package, request.folder):
            yield piece
