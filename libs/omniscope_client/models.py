"""Trained models: reading, downloading, tracing, changing, naming, deleting."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from google.protobuf.empty_pb2 import Empty
from google.protobuf.field_mask_pb2 import FieldMask

from omniscope.common.v1.lineage_pb2 import Lineage
from omniscope.common.v1.model_pb2 import Model, ModelResults
from omniscope.registry.v1.model_service_pb2 import (
    DeleteAliasRequest,
    DeleteModelRequest,
    DownloadModelRequest,
    GetLineageRequest,
    GetModelRequest,
    GetModelResultsRequest,
    ListModelsRequest,
    ListModelVersionsRequest,
    ModelAlias,
    ResolveAliasRequest,
    SetAliasRequest,
    UndeleteModelRequest,
    UpdateModelRequest,
)
from omniscope.registry.v1.model_service_pb2_grpc import ModelServiceStub
from omniscope_client.calls import Calls
from omniscope_client.messages import message
from omniscope_client.package import unpack_package, unpack_part
from omniscope_client.paging import Page, rows_of

PLOTS_FOLDER = "plots"


class Models:
    """Reads and changes models.

    Wherever a `model_id` is asked for, these do as well: a name (its newest version), `name@2`
    (version 2) and `name@champion` (what the alias points to).
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = ModelServiceStub(calls.channel)

    def get(self, model_id: str) -> Model:
        """Return a model with its training configuration."""
        return self._calls.unary(self._stub.GetModel, GetModelRequest(model_id=model_id))

    def results(self, model_id: str) -> ModelResults:
        """Return metrics, confusion matrix, curves and leaderboard of a model's training."""
        request = GetModelResultsRequest(model_id=model_id)
        return self._calls.unary(self._stub.GetModelResults, request)

    def list(
        self,
        limit: int = 50,
        query: str = "",
        *,
        order_by: str = "",
        show_deleted: bool = False,
    ) -> Iterator[Model]:
        """Yield models, at most `limit`.

        Args:
            limit: How many at most.
            query: `ListModels.filter`.
            order_by: `create_time`, `update_time`, `name` or `size_bytes`, with ` desc` the
                greatest first. Default: the newest first.
            show_deleted: Deleted ones too, until they are purged.
        """

        def page(size: int, token: str) -> Page[Model]:
            request = ListModelsRequest(
                page_size=size,
                page_token=token,
                filter=query,
                order_by=order_by,
                show_deleted=show_deleted,
            )
            answer = self._calls.unary(self._stub.ListModels, request)
            return answer.models, answer.next_page_token

        return rows_of(page, limit)

    def versions(
        self, model_id: str, limit: int = 50, *, show_deleted: bool = False
    ) -> Iterator[Model]:
        """Yield the versions under a model's name, the newest first, at most `limit`."""

        def page(size: int, token: str) -> Page[Model]:
            request = ListModelVersionsRequest(
                model_id=model_id, page_size=size, page_token=token, show_deleted=show_deleted
            )
            answer = self._calls.unary(self._stub.ListModelVersions, request)
            return answer.models, answer.next_page_token

        return rows_of(page, limit)

    def lineage(self, model_id: str, max_depth: int = 5) -> Lineage:
        """Return what a model was made of, and what was made of it.

        Args:
            model_id: Id or name.
            max_depth: How many jobs away from it at most, on either side; 1 to 50.
        """
        request = message(GetLineageRequest, model_id=model_id, max_depth=max_depth)
        return self._calls.unary(self._stub.GetLineage, request)

    def update(
        self,
        model_id: str,
        *,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Model:
        """Change what is said of a model; None leaves a field as it is, tags change as a whole."""
        changes = {"description": description, "tags": tags}
        paths = [name for name, value in changes.items() if value is not None]
        model = Model(model_id=model_id, description=description or "", tags=tags)
        request = UpdateModelRequest(model=model, update_mask=FieldMask(paths=paths))
        return self._calls.unary(self._stub.UpdateModel, request)

    def download(
        self,
        model_id: str,
        folder: str | Path,
        *,
        on_progress: Callable[[int], None] = lambda _: None,
    ) -> Path:
        """Download a model's package; `mlflow.pyfunc.load_model` opens the folder.

        Every file is checked against the manifest, and the manifest against the digest that the
        registry knows, before the folder appears: it is there whole or not at all.

        Args:
            model_id: Id or name.
            folder: Folder to make; it must not exist.
            on_progress: Called with the number of bytes received so far.

        Returns:
            The folder.

        Raises:
            OmniscopeError: Also ALREADY_EXISTS, when the folder does, and DATA_LOSS, when what
                arrived is not what the registry signed.
            OSError: The folder cannot be written.
        """
        model = self.get(model_id)  # a name may get a newer version at any time: ask by id
        request = DownloadModelRequest(model_id=model.model_id)
        chunks = self._calls.download(self._stub.DownloadModel, request)
        return unpack_package(chunks, Path(folder), model.manifest_digest, on_progress)

    def plots(self, model_id: str, folder: str | Path) -> tuple[Path, ...]:
        """Download a model's plots, each as PNG and as SVG, checked as `download` checks.

        Args:
            model_id: Id or name.
            folder: Folder to make; it must not exist.

        Returns:
            The files, sorted.

        Raises:
            OmniscopeError: As of `download`; FOLDER_NOT_FOUND when the model has no plots.
            OSError: The folder cannot be written.
        """
        model = self.get(model_id)
        request = DownloadModelRequest(model_id=model.model_id, folder=PLOTS_FOLDER)
        chunks = self._calls.download(self._stub.DownloadModel, request)
        return unpack_part(chunks, Path(folder), model.manifest_digest, PLOTS_FOLDER)

    def delete(self, model_id: str) -> Empty:
        """Delete a model: it opens no more; `undelete` brings it back within 30 days.

        Raises:
            OmniscopeError: Also MODEL_IN_USE, naming what needs it.
        """
        return self._calls.unary(self._stub.DeleteModel, DeleteModelRequest(model_id=model_id))

    def undelete(self, model_id: str) -> Model:
        """Bring a deleted model back; a name means its newest deleted version."""
        return self._calls.unary(self._stub.UndeleteModel, UndeleteModelRequest(model_id=model_id))

    def alias(self, model_id: str, alias: str) -> ModelAlias:
        """Return where an alias of a model's name points."""
        request = ResolveAliasRequest(model_id=model_id, alias=alias)
        return self._calls.unary(self._stub.ResolveAlias, request)

    def set_alias(self, model_id: str, alias: str, etag: str = "") -> ModelAlias:
        """Point an alias of a model's name to a version.

        Args:
            model_id: The version; a name means its newest.
            alias: Lower-case letters, digits, `_` and `-`.
            etag: `ModelAlias.etag` as last seen: nobody's change is overwritten unseen. Default:
                the alias must be new. `*`: whatever it points to.

        Raises:
            OmniscopeError: Also ETAG_MISMATCH, naming where it points now.
        """
        request = SetAliasRequest(model_id=model_id, alias=alias, etag=etag)
        return self._calls.unary(self._stub.SetAlias, request)

    def delete_alias(self, model_id: str, alias: str, etag: str = "") -> Empty:
        """Remove an alias of a model's name; with `etag` only when it has not changed since."""
        request = DeleteAliasRequest(model_id=model_id, alias=alias, etag=etag)
        return self._calls.unary(self._stub.DeleteAlias, request)
