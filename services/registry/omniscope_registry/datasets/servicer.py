"""DatasetService: uploads tables and tells about them."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

from google.api.httpbody_pb2 import HttpBody
from google.protobuf.empty_pb2 import Empty

from omniscope.registry.v1 import dataset_service_pb2 as messages
from omniscope.registry.v1.dataset_service_pb2_grpc import DatasetServiceServicer
from omniscope_ml.datasets.formats import EXPORT_FORMATS
from omniscope_registry.datasets.convert import (
    column_query_from_proto,
    columns_to_proto,
    dataset_to_proto,
    export_format_from_proto,
    header_from_proto,
    import_header_from_proto,
    preview_rows_from_proto,
    preview_to_proto,
)
from omniscope_registry.datasets.exports import Exports
from omniscope_registry.datasets.import_sources import ImportSources
from omniscope_registry.datasets.import_uri import NOTHING, ImportRules
from omniscope_registry.datasets.upload import DEFAULT_MAX_UPLOAD_BYTES, Uploads
from omniscope_service.rpc.auth import current_caller

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from omniscope.common.v1.dataset_pb2 import Dataset
    from omniscope_registry.datasets.store_sql import SqlDatasetStore
    from omniscope_service.artifacts import ArtifactStore
    from omniscope_service.rpc.context import Context


class DatasetServicer(DatasetServiceServicer):
    """Serves the caller's own datasets.

    Args:
        store: Rows.
        artifacts: Stored bytes.
        folder: Private folder for files on their way.
        max_upload_bytes: Largest file that is taken. Default 2 GiB.
        import_rules: What may be imported. Default: nothing.
    """

    def __init__(
        self,
        store: SqlDatasetStore,
        artifacts: ArtifactStore,
        folder: Path,
        *,
        max_upload_bytes: int = DEFAULT_MAX_UPLOAD_BYTES,
        import_rules: ImportRules = NOTHING,
    ) -> None:
        self._store = store
        self._uploads = Uploads(store, artifacts, folder / "in", max_bytes=max_upload_bytes)
        self._exports = Exports(artifacts, folder / "out")
        self._sources = ImportSources(import_rules)

    async def UploadDataset(
        self,
        request_iterator: AsyncIterator[messages.UploadDatasetRequest],
        context: Context,
    ) -> Dataset:
        """Store a file as the next version of a name."""
        first = await anext(request_iterator, messages.UploadDatasetRequest())
        header = header_from_proto(first)
        chunks = _chunks(first, request_iterator)
        return dataset_to_proto(
            await self._uploads.receive(current_caller().subject, header, chunks)
        )

    async def ImportDataset(
        self, request: messages.ImportDatasetRequest, context: Context
    ) -> Dataset:
        """Store a file from elsewhere as the next version of a name."""
        self._sources.check(request.uri)
        header = import_header_from_proto(request)
        owner, chunks = current_caller().subject, self._sources.chunks(request.uri)
        return dataset_to_proto(
            await self._uploads.receive(owner, header, chunks, uri=request.uri)
        )

    async def GetDataset(self, request: messages.GetDatasetRequest, context: Context) -> Dataset:
        """Return a dataset."""
        return dataset_to_proto(
            await self._store.get(current_caller().subject, request.dataset_id)
        )

    async def ListDatasets(
        self, request: messages.ListDatasetsRequest, context: Context
    ) -> messages.ListDatasetsResponse:
        """List the caller's datasets."""
        datasets, token = await self._store.list_page(current_caller().subject, request)
        return messages.ListDatasetsResponse(datasets=datasets, next_page_token=token)

    async def ListDatasetColumns(
        self, request: messages.ListDatasetColumnsRequest, context: Context
    ) -> messages.ListDatasetColumnsResponse:
        """List a dataset's columns."""
        query = column_query_from_proto(request)
        dataset = await self._store.get(current_caller().subject, request.dataset_id)
        profiles = await self._store.columns(
            dataset.digest, after=query.after, limit=query.limit + 1, names=query.names
        )
        return columns_to_proto(profiles, request, query.limit)

    async def PreviewDataset(
        self, request: messages.PreviewDatasetRequest, context: Context
    ) -> messages.PreviewDatasetResponse:
        """Return the first rows of some columns."""
        rows = preview_rows_from_proto(request)
        dataset = await self._store.get(current_caller().subject, request.dataset_id)
        columns = await self._exports.preview(dataset.digest, request.columns, rows)
        # A hundred thousand cells take longer than the event loop may wait.
        return await asyncio.to_thread(preview_to_proto, columns)

    async def DownloadDataset(
        self, request: messages.DownloadDatasetRequest, context: Context
    ) -> AsyncIterator[HttpBody]:
        """Stream a dataset as a file."""
        chosen = export_format_from_proto(request)
        dataset = await self._store.get(current_caller().subject, request.dataset_id)
        async with aclosing(self._exports.file(dataset.digest, chosen)) as chunks:
            async for chunk in chunks:
                yield HttpBody(content_type=EXPORT_FORMATS[chosen], data=chunk)

    async def DeleteDataset(
        self, request: messages.DeleteDatasetRequest, context: Context
    ) -> Empty:
        """Delete a dataset."""
        await self._store.delete(current_caller().subject, request.dataset_id)
        return Empty()


async def _chunks(
    first: messages.UploadDatasetRequest,
    others: AsyncIterator[messages.UploadDatasetRequest],
) -> AsyncIterator[bytes]:
    yield first.data.data
    async for request in others:
        yield request.data.data
