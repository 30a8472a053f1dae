"""Trained models: reading, downloading, deleting."""

from collections.abc import Callable, Iterator
from pathlib import Path

from google.protobuf.empty_pb2 import Empty

from omniscope.common.v1.model_pb2 import Model, ModelResults
from omniscope.registry.v1.model_service_pb2 import (
    DeleteModelRequest,
    DownloadModelRequest,
    GetModelRequest,
    GetModelResultsRequest,
    ListModelsRequest,
)
from omniscope.registry.v1.model_service_pb2_grpc import ModelServiceStub
from omniscope_client.calls import Calls
from omniscope_client.package import unpack_package, unpack_part
from omniscope_client.paging import page_sizes

PLOTS_FOLDER = "plots"


class Models:
    """Reads and downloads models. Wherever a `model_id` is asked for, the name does as well."""

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

    def list(self, limit: int = 50, query: str = "") -> Iterator[Model]:
        """Yield the newest models first, at most `limit`; `query` is `ListModels.filter`."""
        token = ""
        for size in page_sizes(limit):
            request = ListModelsRequest(page_size=size, page_token=token, filter=query)
            page = self._calls.unary(self._stub.ListModels, request)
            yield from page.models
            if not (token := page.next_page_token):
                return

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
        chunks = self._download(model.model_id)
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
        chunks = self._download(model.model_id, PLOTS_FOLDER)
        return unpack_part(chunks, Path(folder), model.manifest_digest, PLOTS_FOLDER)

    def delete(self, model_id: str) -> Empty:
        """Delete a model: it is in no list and opens no more."""
        return self._calls.unary(self._stub.DeleteModel, DeleteModelRequest(model_id=model_id))

    def _download(self, model_id: str, folder: str = "") -> Iterator[bytes]:
        request = DownloadModelRequest(model_id=model_id, folder=folder)
        for message in self._calls.receive(self._stub.DownloadModel, request):
            yield message.data
