"""A served ModelService, and models registered from packages as a finished job registers them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from omniscope.registry.v1.model_service_pb2_grpc import (
    ModelServiceStub,
    add_ModelServiceServicer_to_server,
)
from omniscope_registry.database import Database
from omniscope_registry.models.aliases_sql import SqlAliasStore
from omniscope_registry.models.changes_sql import SqlModelChanges
from omniscope_registry.models.lineage_sql import SqlLineage
from omniscope_registry.models.registrar import ModelRegistrar
from omniscope_registry.models.servicer import ModelServicer
from omniscope_registry.models.store_sql import DELETED_KEPT, SqlModelStore
from omniscope_registry.packages.signing import ManifestSigner
from omniscope_registry.packages.verifier import PackageVerifier
from omniscope_service.artifacts import ArtifactStore
from omniscope_service.rpc.server import Registration


@pytest.fixture
def store(database: Database) -> SqlModelStore:
    return SqlModelStore(database)


@pytest.fixture
def signer(tmp_path: Path) -> ManifestSigner:
    return ManifestSigner.open(tmp_path / "signing-key")


@pytest.fixture
def registrar(
    store: SqlModelStore, artifacts: ArtifactStore, signer: ManifestSigner
) -> ModelRegistrar:
    return ModelRegistrar(store, artifacts, PackageVerifier(artifacts, signer))


@pytest.fixture
def register(
    registrar: ModelRegistrar, insert_job: Any, put_package: Any, database: Database
) -> Callable[..., Awaitable[str]]:
    """Registers a model of `ada` and returns its id."""

    async def make(**job_values: Any) -> str:
        job = await insert_job(**job_values)
        key, digest = await put_package(job)
        package = await registrar.verify(key, digest)
        async with database.write() as conn:
            return str((await registrar.register(conn, package, job)).model_id)

    return make


@pytest.fixture
def aliases(database: Database, store: SqlModelStore) -> SqlAliasStore:
    return SqlAliasStore(database, store.cache)


@pytest.fixture
def changes(database: Database, store: SqlModelStore, aliases: SqlAliasStore) -> SqlModelChanges:
    return SqlModelChanges(database, store.cache, [aliases], DELETED_KEPT)


@pytest.fixture
async def service(
    database: Database,
    store: SqlModelStore,
    changes: SqlModelChanges,
    aliases: SqlAliasStore,
    artifacts: ArtifactStore,
    serve_registry: Any,
) -> AsyncIterator[Any]:
    registration = Registration(
        ModelServicer(store, changes, aliases, SqlLineage(database), artifacts),
        add_ModelServiceServicer_to_server,
        "omniscope.registry.v1.ModelService",
    )
    async with serve_registry(registration) as running:
        yield running


@pytest.fixture
async def stub(service: Any) -> AsyncIterator[Any]:
    """The service as `ada` sees it."""
    async with service.channel_of("ada") as channel:
        yield ModelServiceStub(channel)


@pytest.fixture
async def stub_of_bob(service: Any) -> AsyncIterator[Any]:
    async with service.channel_of("bob") as channel:
        yield ModelServiceStub(channel)
