"""What all tests of the registry share: a database of each kind, an artifact store, callers."""

import asyncio
import hashlib
import json
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from sqlalchemy import insert, text
from ulid import ULID

from omniscope.automl.v1.automl_service_pb2 import TrainRequest
from omniscope.common.v1.split_pb2 import SPLIT_STRATEGY_STRATIFIED, SplitConfig
from omniscope_registry.database import Database
from omniscope_registry.jobs.sql.inputs import insert_inputs
from omniscope_registry.jobs.values import InputKind, JobInput, JobRow, StoredInput
from omniscope_registry.tables import artifacts as _artifacts  # noqa: F401 - fill the metadata
from omniscope_registry.tables import datasets, jobs, models  # noqa: F401 - fill the metadata
from omniscope_registry.tables.jobs import training_jobs
from omniscope_registry.tables.metadata import metadata
from omniscope_service.app import Service
from omniscope_service.artifacts import ArtifactStore
from omniscope_service.errors import ServiceError, Unauthenticated
from omniscope_service.rpc.auth import Identity, Role
from omniscope_service.rpc.server import Registration
from omniscope_service.rpc.status import error_from_rpc
from omniscope_service.testing.serving import channel, serve

_USER_ROLES = frozenset({Role.VIEWER, Role.TRAINER, Role.OPERATOR, Role.ADMIN})


class Callers:
    """A verifier whose tokens are the callers' names: any user, `service` and `worker`."""

    async def verify(self, token: str) -> Identity:
        if not token.isalpha():
            raise Unauthenticated("The token is not valid here.", reason="TOKEN_INVALID")
        internal = {"service": Role.SERVICE, "worker": Role.WORKER}.get(token)
        return Identity(token, frozenset({internal}) if internal else _USER_ROLES)


@dataclass(frozen=True)
class Running:
    """A served registry part."""

    target: str

    def channel_of(self, caller: str) -> AbstractAsyncContextManager[grpc.aio.Channel]:
        return channel(self.target, caller)


ServeRegistry = Callable[..., AbstractAsyncContextManager[Running]]


@pytest.fixture
def callers() -> Callers:
    """The verifier of those tokens."""
    return Callers()


@pytest.fixture
def serve_registry() -> ServeRegistry:
    """Serves registrations behind a real server, for callers named by their tokens."""

    @asynccontextmanager
    async def start(*registrations: Registration) -> AsyncIterator[Running]:
        service = Service("registry", registrations=list(registrations), verifier=Callers())
        async with serve(service) as target:
            yield Running(target)

    return start


@pytest.fixture(scope="session")
def _registry_on_postgres(_postgres: Any) -> str:
    """One database for all tests that need PostgreSQL: making one takes longer than a test."""
    _postgres.psql("CREATE DATABASE registry")
    return str(_postgres.get_uri(database="registry", driver="asyncpg"))


@pytest.fixture(scope="session")
def _registry_on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty file to copy: migrating takes longer than a test, too."""
    path = tmp_path_factory.mktemp("registry") / "registry.db"

    async def migrate() -> None:
        await (await Database.open(f"sqlite+aiosqlite:///{path}")).close()

    asyncio.run(migrate())
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database of either kind, for `database`, which finds it empty."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("_registry_on_postgres"))
    path = shutil.copy(request.getfixturevalue("_registry_on_sqlite"), tmp_path / "registry.db")
    return f"sqlite+aiosqlite:///{path}"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(database_url)
    if opened.dialect == "postgresql":
        await _empty(opened)
    yield opened
    await opened.close()


async def _empty(database: Database) -> None:
    """Delete all rows, whatever the triggers say: TRUNCATE takes four times as long."""
    deletions = " ".join(f"DELETE FROM {table.name};" for table in metadata.sorted_tables)
    async with database.write() as conn:
        await conn.execute(text("SET LOCAL session_replication_role = replica"))
        await conn.execute(text(f"DO $$ BEGIN {deletions} END $$"))


@pytest.fixture
def artifacts(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore.open((tmp_path / "artifacts").as_uri())


async def _refusal(call: Awaitable[Any]) -> ServiceError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return error_from_rpc(caught.value)


@pytest.fixture
def refused() -> Callable[[Awaitable[Any]], Awaitable[ServiceError]]:
    """Awaits a call that must fail and returns its error as the server raised it."""
    return _refusal


@pytest.fixture
def insert_job(database: Database) -> Callable[..., Awaitable[JobRow]]:
    """Inserts a row into `training_jobs` past the services, and returns it."""

    async def insert_row(
        *, status: str = "running", inputs: Sequence[JobInput] = (), **values: Any
    ) -> JobRow:
        now = datetime.now(UTC)
        running = status == "running"
        row = {
            "id": str(ULID()),
            "owner": "ada",
            "service": "automl",
            "resource_class": "cpu",
            "model_type": "automl.tabular",
            "status": status,
            "progress": 0.0,
            "message": "",
            "model_name": "birds-species-automl",
            "experiment": "default",
            "description": "a first try",
            "tags": {"team": "ornithology"},
            "warnings": [],
            "config": _train_request().SerializeToString(),
            "column_lists": {},
            "hard_limit_seconds": 195,
            "attempt": 1 if running else 0,
            "lease_token_hash": "0" * 64 if running else None,
            "lease_until": now if running else None,
            "cancel_reason": "",
            "run_after": now,
            "artifact_kind": "",
            "last_sequence": 0,
            "stopped_early": False,
            "version": 1,
            "created_at": now,
            "updated_at": now,
        } | values
        async with database.write() as conn:
            statement = insert(training_jobs).values(row).returning(*training_jobs.c)
            job = JobRow.from_row((await conn.execute(statement)).one())
            return await insert_inputs(conn, job, inputs or [training_input()])

    return insert_row


def training_input(dataset_id: str = "") -> JobInput:
    """A dataset to train on; by default one that nobody stored."""
    stored = StoredInput("datasets/x/data.arrow", "0" * 64)
    return JobInput("training", InputKind.DATASET, dataset_id or str(ULID()), stored)


def _train_request() -> AnyMessage:
    request = TrainRequest(
        dataset_id="birds",
        target_column="species",
        feature_columns=["bill_length_mm", "sex"],
        problem_type="multiclass",
        time_limit=60,
        quality="medium_quality",
        split=SplitConfig(strategy=SPLIT_STRATEGY_STRATIFIED, test_fraction=0.2, seed=7),
        seed=0,
        included_model_families=["GBM", "RF"],
        model_name="birds-species-automl",
    )
    packed = AnyMessage()
    packed.Pack(request)
    return packed


@pytest.fixture
def put_package(artifacts: ArtifactStore) -> Callable[..., Awaitable[tuple[str, str]]]:
    """Writes a job's package as its worker does; returns its key and the manifest's digest."""

    async def put(job: JobRow, **changes: Any) -> tuple[str, str]:
        key = f"jobs/{job.id}/attempts/{job.attempt}-abc/package"
        files = {
            "MLmodel": b"flavors: {}\n",
            "payload/deep/weights.bin": bytes(range(256)) * 3000,
            "results.json": json.dumps(_RESULTS).encode(),
        } | changes.pop("files", {})
        listed = changes.pop("listed", {})
        manifest = {
            "format_version": 1,
            "kind": "automl.tabular",
            "architecture": "WeightedEnsemble_L2",
            "problem_type": "multiclass",
            "target_column": "species",
            "classes": ["Adelie", "Chinstrap", "Gentoo"],
            "features": [{"name": "bill_length_mm", "type": "float64"}],
            "job_id": job.id,
            "attempt": job.attempt,
            "files": {
                path: {"sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data)}
                for path, data in files.items()
            }
            | listed,
        } | changes
        data = json.dumps(manifest).encode()
        for path, content in {**files, "manifest.json": data}.items():
            await artifacts.put_bytes(f"{key}/{path}", content)
        return key, hashlib.sha256(data).hexdigest()

    return put


_RESULTS = {
    "problem_type": "multiclass",
    "target_column": "species",
    "classes": ["Adelie", "Chinstrap", "Gentoo"],
    "best_model": "WeightedEnsemble_L2",
    "eval_metric": "accuracy",
    "metrics": [
        {"split": "validation", "rows": 55, "values": {"accuracy": 1.0}},
        {"split": "test", "rows": 69, "values": {"accuracy": 0.985, "log_loss": 0.04}},
    ],
    "confusion_matrix": {"classes": ["Adelie", "Chinstrap", "Gentoo"], "counts": [1] * 9},
    "leaderboard": [{"model": "LightGBM", "metric": "accuracy", "score_validation": 1.0}],
    "training_seconds": 12.5,
    "settings": {"optimizer": "adamw"},
    "train_rows": 275,
    "test_rows": 69,
}


# These files' tests are not about what the two engines do differently: one tells as much as two.
# Both are for the life of a job, for constraints and for lists.
_OF_ONE_ENGINE = {
    *("test_bad_uploads", "test_exports", "test_files", "test_hostile_files", "test_import"),
    *("test_limits", "test_upload", "test_lifecycle", "test_logging"),
    *(
        "test_bad_calls",
        "test_checkpoints",
        "test_clock",
        "test_collector",
        "test_deadlines",
        "test_reports",
        "test_verifications",
    ),
    *("test_resource_class", "test_retry", "test_watch"),
}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the second engine to the slow tier where one is enough."""
    for item in items:
        if item.path.stem in _OF_ONE_ENGINE and "postgresql" in item.name:
            item.add_marker(pytest.mark.slow)
