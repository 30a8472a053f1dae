"""Takes an upload from its first chunk to the registered dataset."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from omniscope_registry.datasets.ingest import PREVIEW_FILE, STORED_FILE, Ingest
from omniscope_registry.datasets.records import NewDataset, dataset_key, preview_key
from omniscope_registry.datasets.spool import SpooledFile, spool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from omniscope_registry.datasets.convert import UploadHeader
    from omniscope_registry.datasets.ingest import IngestedTable
    from omniscope_registry.datasets.records import DatasetRecord
    from omniscope_registry.datasets.store_sql import SqlDatasetStore
    from omniscope_service.artifacts import ArtifactStore

DEFAULT_MAX_UPLOAD_BYTES: Final = 2 * 1024**3
# Each may hold a whole table in memory.
_CONCURRENT_READERS: Final = 2


class Uploads:
    """Turns uploaded files into datasets.

    Args:
        store: Where the rows go.
        artifacts: Where the bytes go.
        folder: For files on their way; what an earlier process left there is removed.
        max_bytes: Largest file that is taken.
        ingest: Reads the files.
    """

    def __init__(
        self,
        store: SqlDatasetStore,
        artifacts: ArtifactStore,
        folder: Path,
        *,
        max_bytes: int = DEFAULT_MAX_UPLOAD_BYTES,
        ingest: Ingest | None = None,
    ) -> None:
        self._store = store
        self._artifacts = artifacts
        self._folder = folder
        self._max_bytes = max_bytes
        self._ingest = ingest or Ingest()
        self._readers = asyncio.Semaphore(_CONCURRENT_READERS)
        shutil.rmtree(folder, ignore_errors=True)

    async def receive(
        self, owner: str, header: UploadHeader, chunks: AsyncIterator[bytes], uri: str = ""
    ) -> DatasetRecord:
        """Store an upload as the next version of its name, or return what a repeated one made.

        Args:
            owner: Whose dataset it becomes.
            header: What the request says of it.
            chunks: The file.
            uri: Where it is imported from: then this, not its bytes, tells a repeated request.

        Raises:
            InvalidArgument: The file cannot become a dataset; the reason says why.
            ResourceExhausted: It is too large, reason DATASET_TOO_LARGE, or the disk is full.
            DeadlineExceeded: The client stopped sending; reason UPLOAD_STALLED.
            AlreadyExists: The request id came with another payload; reason REQUEST_ID_REUSED.
        """
        if uri and (made := await self._made(owner, header, _request_hash(header, uri))):
            return made
        async with self._work_folder() as folder:
            source = await spool(chunks, folder / "source", self._max_bytes)
            request_hash = _request_hash(header, uri or source.digest)
            if made := await self._made(owner, header, request_hash):
                return made
            table = await self._read(source, header.source_format, folder)
            new = _new_dataset(owner, header, request_hash, source, table)
            return await self._store.insert(new, table.columns)

    async def _made(
        self, owner: str, header: UploadHeader, request_hash: str
    ) -> DatasetRecord | None:
        """Return what the same request has made before."""
        if header.request_id is None:
            return None
        return await self._store.find_request(owner, header.request_id, request_hash)

    async def _read(self, source: SpooledFile, source_format: str, folder: Path) -> IngestedTable:
        async with self._readers:
            table = await self._ingest.read(source.path, source_format, folder)
        key = dataset_key(table.digest)
        if not await self._artifacts.exists(key):
            await self._artifacts.put_file(preview_key(table.digest), folder / PREVIEW_FILE)
            await self._artifacts.put_file(key, folder / STORED_FILE)
        return table

    @asynccontextmanager
    async def _work_folder(self) -> AsyncIterator[Path]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="upload-", dir=self._folder))
        try:
            yield folder
        finally:
            # Not awaited: a cancelled upload must leave nothing behind either.
            shutil.rmtree(folder, ignore_errors=True)


def _request_hash(header: UploadHeader, content: str) -> str:
    """Return what two requests share that are the same: `content` is a digest or a URI."""
    parts = (header.name, header.source_format, header.description, content)
    return hashlib.sha256("\n".join(map(repr, parts)).encode()).hexdigest()


def _new_dataset(
    owner: str,
    header: UploadHeader,
    request_hash: str,
    source: SpooledFile,
    table: IngestedTable,
) -> NewDataset:
    return NewDataset(
        owner=owner,
        name=header.name,
        description=header.description,
        source_format=header.source_format,
        source_digest=source.digest,
        digest=table.digest,
        row_count=table.row_count,
        column_count=table.column_count,
        size_bytes=table.size_bytes,
        missing_count=table.missing_count,
        column_types=table.column_types,
        likely_key_columns=table.likely_key_columns,
        constant_column_count=table.constant_column_count,
        duplicate_column_count=table.duplicate_column_count,
        warnings=table.warnings,
        request_id=header.request_id,
        request_hash=request_hash if header.request_id else None,
        created_by=owner,
    )
