"""A registry that the real `project` role, a process of its own, takes its work from."""

import asyncio
import os
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from omniscope.registry.v1.projection_service_pb2_grpc import (
    add_ProjectionServiceServicer_to_server,
)
from omniscope_registry import outbox
from omniscope_registry.database import Database
from omniscope_registry.models.registrar import ModelRegistrar
from omniscope_registry.models.store_sql import SqlModelStore
from omniscope_registry.packages.signing import ManifestSigner
from omniscope_registry.packages.verifier import PackageVerifier
from omniscope_registry.projection.servicer import ProjectionServicer
from omniscope_service.app import Service
from omniscope_service.artifacts import ArtifactStore
from omniscope_service.rpc.auth import LocalTokens
from omniscope_service.rpc.server import Registration
from omniscope_service.testing.serving import serve


@pytest.fixture
def models(database: Database) -> SqlModelStore:
    return SqlModelStore(database)


@pytest.fixture
def registration(database: Database, models: SqlModelStore) -> Registration:
    return Registration(
        ProjectionServicer(database, [models]),
        add_ProjectionServiceServicer_to_server,
        "omniscope.registry.v1.ProjectionService",
    )


@pytest.fixture
def register(
    models: SqlModelStore, artifacts: ArtifactStore, put_package: Any, database: Any, home: Path
) -> Callable[..., Awaitable[str]]:
    """Registers the model of a job, as its completion does."""
    verifier = PackageVerifier(artifacts, ManifestSigner.open(home / "signing-key"))
    registrar = ModelRegistrar(models, artifacts, verifier)

    async def make(job: Any) -> str:
        package = await registrar.verify(*await put_package(job))
        async with database.write() as conn:
            return str((await registrar.register(conn, package, job)).model_id)

    return make


class Mlflow:
    """MLflow's own database, read without MLflow."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self._file)) as connection:
            return connection.execute(statement).fetchall()


@pytest.fixture
def mlflow(home: Path) -> Mlflow:
    return Mlflow(home / "mlflow.db")


@pytest.fixture
def projecting(registration: Registration, tokens: LocalTokens, home: Path) -> Callable[..., Any]:
    """Runs registry and projector until the outbox of the registry is empty."""

    @asynccontextmanager
    async def run(**environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
        service = Service("registry", registrations=[registration], verifier=tokens)
        async with serve(service) as target:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "omniscope_registry", "project"),
                env={
                    "PATH": os.environ["PATH"],
                    "OMNISCOPE_HOME": str(home),
                    "OMNISCOPE_REGISTRY_TARGET": target,
                    **environment,
                },
                cwd=home,
            )
            try:
                yield process
                process.terminate()
                assert await process.wait() == 0
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()

    return run


@pytest.fixture
def projected(database: Database) -> Callable[[], Awaitable[None]]:
    """Waits until nothing is left to project."""

    async def wait() -> None:
        while True:
            commits = database.commits
            async with database.read() as conn:
                if not await outbox.pending(conn, "mlflow", 1):
                    return
            await database.wait_for_commit(after=commits, timeout_seconds=1)

    return wait
