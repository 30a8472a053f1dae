"""A served DatasetService, and a client that uploads as real clients do."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from google.api.httpbody_pb2 import HttpBody

from omniscope.common.v1.dataset_pb2 import Dataset, DatasetColumn
from omniscope.registry.v1.dataset_service_pb2 import UploadDatasetRequest
from omniscope.registry.v1.dataset_service_pb2_grpc import (
    DatasetServiceStub,
    add_DatasetServiceServicer_to_server,
)
from omniscope_registry.database import Database
from omniscope_registry.datasets.import_uri import ImportRules
from omniscope_registry.datasets.records import DatasetRecord, NewDataset
from omniscope_registry.datasets.servicer import DatasetServicer
from omniscope_registry.datasets.store_sql import SqlDatasetStore
from omniscope_service.artifacts import ArtifactStore
from omniscope_service.rpc.server import Registration

DATA = Path(__file__).parents[4] / "examples" / "data"
MAX_UPLOAD_BYTES = 2_000_000
_CHUNK_BYTES = 64 * 1024

Upload = Callable[..., Awaitable[Dataset]]


@pytest.fixture
def store(database: Database) -> SqlDatasetStore:
    return SqlDatasetStore(database)


@pytest.fixture
def uploads_folder(tmp_path: Path) -> Path:
    return tmp_path / "transfers" / "in"


@pytest.fixture
def import_folder(tmp_path: Path) -> Path:
    """The folder that may be imported from."""
    folder = tmp_path / "imports"
    folder.mkdir()
    return folder


@pytest.fixture
def import_rules(import_folder: Path) -> ImportRules:
    return ImportRules(import_folder, ("tables",))


@pytest.fixture
async def service(
    store: SqlDatasetStore,
    artifacts: ArtifactStore,
    uploads_folder: Path,
    import_rules: ImportRules,
    serve_registry: Any,
) -> AsyncIterator[Any]:
    servicer = DatasetServicer(
        store,
        artifacts,
        uploads_folder.parent,
        max_upload_bytes=MAX_UPLOAD_BYTES,
        import_rules=import_rules,
    )
    registration = Registration(
        servicer, add_DatasetServiceServicer_to_server, "omniscope.registry.v1.DatasetService"
    )
    async with serve_registry(registration) as running:
        yield running


@pytest.fixture
async def stub(service: Any) -> AsyncIterator[Any]:
    """The service as `ada` sees it."""
    async with service.channel_of("ada") as channel:
        yield DatasetServiceStub(channel)


@pytest.fixture
async def stub_of_bob(service: Any) -> AsyncIterator[Any]:
    async with service.channel_of("bob") as channel:
        yield DatasetServiceStub(channel)


@pytest.fixture
def upload(stub: Any) -> Upload:
    """Uploads bytes or a file of the example data, as `ada`."""

    async def send(content: bytes | str, name: str = "table", **header: str) -> Dataset:
        data = content if isinstance(content, bytes) else (DATA / content).read_bytes()
        fields = {"name": name, "format": "csv"} | header
        dataset: Dataset = await stub.UploadDataset(_requests(fields, data))
        return dataset

    return send


async def _requests(fields: dict[str, str], data: bytes) -> AsyncIterator[UploadDatasetRequest]:
    yield UploadDatasetRequest(**fields, data=HttpBody(data=data[:_CHUNK_BYTES]))
    for start in range(_CHUNK_BYTES, len(data), _CHUNK_BYTES):
        yield UploadDatasetRequest(data=HttpBody(data=data[start : start + _CHUNK_BYTES]))


@pytest.fixture
def add_dataset(store: SqlDatasetStore) -> Callable[..., Awaitable[DatasetRecord]]:
    """Stores a dataset of `ada` without a file, where a test is not about the upload."""

    async def insert(name: str, *columns: str, source_format: str = "csv") -> DatasetRecord:
        digest = hashlib.sha256(repr(columns).encode()).hexdigest()
        new = NewDataset(
            owner="ada",
            name=name,
            description="",
            source_format=source_format,
            source_digest=digest,
            digest=digest,
            row_count=2,
            column_count=len(columns),
            size_bytes=100,
            missing_count=0,
            column_types={"int64": len(columns)},
            likely_key_columns=[],
            request_id=None,
            request_hash=None,
            created_by="ada",
        )
        profiles = [
            DatasetColumn(name=column, position=position, type="int64")
            for position, column in enumerate(columns)
        ]
        return await store.insert(new, profiles)

    return insert
