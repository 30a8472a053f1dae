"""Puts the registry together: what it serves, what it runs beside that, what it opens."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from omniscope.registry.v1.artifact_service_pb2_grpc import add_ArtifactServiceServicer_to_server
from omniscope.registry.v1.dataset_service_pb2_grpc import add_DatasetServiceServicer_to_server
from omniscope.registry.v1.experiment_service_pb2_grpc import (
    add_ExperimentServiceServicer_to_server,
)
from omniscope.registry.v1.job_intake_service_pb2_grpc import (
    add_JobIntakeServiceServicer_to_server,
)
from omniscope.registry.v1.job_service_pb2_grpc import add_JobServiceServicer_to_server
from omniscope.registry.v1.model_service_pb2_grpc import add_ModelServiceServicer_to_server
from omniscope.registry.v1.projection_service_pb2_grpc import (
    add_ProjectionServiceServicer_to_server,
)
from omniscope.registry.v1.worker_service_pb2_grpc import add_WorkerServiceServicer_to_server
from omniscope_registry.artifacts.purger import artifact_purger
from omniscope_registry.artifacts.registrar import ArtifactRegistrar
from omniscope_registry.artifacts.servicer import ArtifactServicer
from omniscope_registry.artifacts.store_sql import SqlArtifactStore
from omniscope_registry.database import Database
from omniscope_registry.datasets.servicer import DatasetServicer
from omniscope_registry.datasets.store_sql import SqlDatasetStore
from omniscope_registry.entry import ENTRY
from omniscope_registry.experiments.servicer import ExperimentServicer
from omniscope_registry.jobs.completion import Completion
from omniscope_registry.jobs.intake import ColumnLists, JobIntake
from omniscope_registry.jobs.loops.collector import AttemptCollector
from omniscope_registry.jobs.loops.deadlines import DeadlineEnforcer
from omniscope_registry.jobs.loops.reaper import Reaper
from omniscope_registry.jobs.loops.sweeper import Sweeper
from omniscope_registry.jobs.servicers.intake import JobIntakeServicer
from omniscope_registry.jobs.servicers.jobs import JobServicer
from omniscope_registry.jobs.servicers.worker import WorkerServicer
from omniscope_registry.jobs.sql.attempts import SqlAttemptStore
from omniscope_registry.jobs.sql.checkpoints import SqlCheckpointStore
from omniscope_registry.jobs.sql.claims import SqlClaims
from omniscope_registry.jobs.sql.inputs import JobInputs
from omniscope_registry.jobs.sql.journal import SqlJournal
from omniscope_registry.jobs.sql.reading import SqlJobReader
from omniscope_registry.jobs.sql.reports import SqlReportStore
from omniscope_registry.jobs.sql.store import SqlJobStore
from omniscope_registry.jobs.sql.workers import SqlWorkerStore
from omniscope_registry.jobs.verifications import PackageVerifications
from omniscope_registry.models.aliases_sql import SqlAliasStore
from omniscope_registry.models.changes_sql import SqlModelChanges
from omniscope_registry.models.lineage_sql import SqlLineage
from omniscope_registry.models.purger import model_purger
from omniscope_registry.models.reading_jobs import ReadingJobs
from omniscope_registry.models.registrar import ModelRegistrar
from omniscope_registry.models.servicer import ModelServicer
from omniscope_registry.models.store_sql import SqlModelStore
from omniscope_registry.packages.signing import ManifestSigner
from omniscope_registry.packages.verifier import PackageVerifier
from omniscope_registry.projection.servicer import ProjectionServicer
from omniscope_registry.relay import Relay
from omniscope_registry.request_ids import RequestIdExpiry
from omniscope_registry.upgrade_process import upgrade_in_child
from omniscope_service.app import Service
from omniscope_service.artifacts import ArtifactStore
from omniscope_service.events.nats import NatsBus
from omniscope_service.rpc.auth import LocalTokens
from omniscope_service.rpc.server import Registration
from omniscope_service.watch import JobWatcher
from omniscope_suite.services import public_names

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping
    from contextlib import AsyncExitStack
    from datetime import timedelta

    import grpc.aio

    from omniscope_registry.jobs.domain import JobTimes
    from omniscope_registry.models.ports import ModelUsers
    from omniscope_registry.settings import RegistrySettings
    from omniscope_service.events.bus import EventBus
    from omniscope_service.rpc.auth import TokenVerifier

_PACKAGE: Final = "omniscope.registry.v1"
_ADD: Final[Mapping[str, Callable[[Any, grpc.aio.Server], None]]] = {
    "JobService": add_JobServiceServicer_to_server,
    "JobIntakeService": add_JobIntakeServiceServicer_to_server,
    "WorkerService": add_WorkerServiceServicer_to_server,
    "DatasetService": add_DatasetServiceServicer_to_server,
    "ModelService": add_ModelServiceServicer_to_server,
    "ArtifactService": add_ArtifactServiceServicer_to_server,
    "ExperimentService": add_ExperimentServiceServicer_to_server,
    "ProjectionService": add_ProjectionServiceServicer_to_server,
}
_PROJECTION_NICENESS: Final = 10


@dataclass(frozen=True)
class Resources:
    """Resources that the registry opens at its start."""

    database: Database
    artifacts: ArtifactStore
    bus: EventBus
    verifier: TokenVerifier


async def build(role: str, settings: RegistrySettings, stack: AsyncExitStack) -> Service:
    """Open what a role needs, in order, and return its service.

    Args:
        role: `serve` answers calls, `project` writes runs, models and artifacts to MLflow.
        settings: From the environment.
        stack: Closes the resources, last opened first, after the service has stopped.

    Raises:
        ConfigurationError: Something is missing, or in use by another registry.
    """
    tokens = LocalTokens.read(settings.home)
    if role == "project":
        return _projection(settings, tokens)
    if not await Database.is_newest(settings.database_url):
        await upgrade_in_child(settings.database_url)
    database = await Database.open(settings.database_url)
    stack.push_async_callback(database.close)
    bus = await NatsBus.connect(settings.nats_url, ENTRY.name)
    stack.push_async_callback(bus.close)
    await bus.ensure_streams(settings.stream_replicas)
    artifacts = ArtifactStore.open(settings.artifacts_url)
    return compose(settings, Resources(database, artifacts, bus, tokens))


def _projection(settings: RegistrySettings, tokens: LocalTokens) -> Service:
    # MLflow costs seconds and 170 MB: the role that serves never imports it.
    from omniscope_registry.projection.projector import project

    # Training goes first on a small machine: nobody waits for MLflow.
    os.nice(_PROJECTION_NICENESS)

    async def worker(stop: asyncio.Event) -> None:
        await project(
            settings.registry_target,
            tokens.service,
            stop,
            tracking_uri=settings.mlflow_tracking_uri,
            artifacts_url=settings.artifacts_url,
        )

    return Service(name=f"{ENTRY.name}-projection", workers=[worker])


def compose(settings: RegistrySettings, resources: Resources) -> Service:
    """Connect the registry's parts."""
    database, times = resources.database, settings.job_times
    verifications = PackageVerifications()
    return Service(
        name=ENTRY.name,
        listen=settings.listen,
        registrations=_servicers(settings, resources, verifications),
        verifier=resources.verifier,
        described=public_names(),
        background=[
            Relay(database, resources.bus).run,
            Sweeper(database, times).run,
            Reaper(database, times).run,
            DeadlineEnforcer(database, times).run,
            RequestIdExpiry(database).run,
            AttemptCollector(database, resources.artifacts, settings.attempts_kept).run,
            model_purger(database, resources.artifacts, settings.deleted_kept).run,
            artifact_purger(database, resources.artifacts, settings.deleted_kept).run,
            verifications.run,
        ],
    )


def _servicers(
    settings: RegistrySettings, resources: Resources, verifications: PackageVerifications
) -> list[Registration]:
    database, artifacts = resources.database, resources.artifacts
    datasets = SqlDatasetStore(database)
    models = SqlModelStore(database, settings.deleted_kept)
    made = SqlArtifactStore(database, settings.deleted_kept)
    signer = ManifestSigner.open(settings.home / "signing-key")
    verifier = PackageVerifier(artifacts, signer)
    completion = Completion(
        SqlAttemptStore(database, settings.job_times),
        ModelRegistrar(models, artifacts, verifier),
        ArtifactRegistrar(made, artifacts, verifier),
        verifications,
    )
    lists = ColumnLists(artifacts)
    store = SqlJobStore(database, JobInputs(datasets, models), settings.quota)
    intake = JobIntake(store, SqlJobReader(database), lists, SqlWorkerStore(database))
    workers = _workers(database, settings.job_times, completion, lists, signer.public_key)
    return [
        _served("JobService", _jobs(resources, store, intake)),
        _served("JobIntakeService", JobIntakeServicer(intake)),
        _served("WorkerService", workers),
        _served("DatasetService", _datasets(settings, artifacts, datasets)),
        _served("ModelService", _models(resources, models, settings.deleted_kept)),
        _served("ArtifactService", ArtifactServicer(made, artifacts)),
        _served("ExperimentService", ExperimentServicer(database)),
        _served("ProjectionService", ProjectionServicer(database, [models, made])),
    ]


def _served(service: str, servicer: object) -> Registration:
    return Registration(servicer, _ADD[service], f"{_PACKAGE}.{service}")


def _datasets(
    settings: RegistrySettings, artifacts: ArtifactStore, store: SqlDatasetStore
) -> DatasetServicer:
    return DatasetServicer(
        store,
        artifacts,
        settings.home / "transfers",
        max_upload_bytes=settings.max_upload_bytes,
        import_rules=settings.import_rules,
    )


def _jobs(resources: Resources, store: SqlJobStore, intake: JobIntake) -> JobServicer:
    database, bus = resources.database, resources.bus
    reader = SqlJobReader(database)
    journal = SqlJournal(database, reader)
    watcher = JobWatcher(journal, bus)
    return JobServicer(reader, store, intake, journal, watcher, bus)


def _models(resources: Resources, store: SqlModelStore, kept: timedelta) -> ModelServicer:
    aliases = SqlAliasStore(resources.database, store.cache)
    users: list[ModelUsers] = [aliases, ReadingJobs()]
    changes = SqlModelChanges(resources.database, store.cache, users, kept)
    lineage = SqlLineage(resources.database)
    return ModelServicer(store, changes, aliases, lineage, resources.artifacts)


def _workers(
    database: Database,
    times: JobTimes,
    completion: Completion,
    column_lists: ColumnLists,
    signing_public_key: bytes,
) -> WorkerServicer:
    return WorkerServicer(
        SqlWorkerStore(database),
        SqlClaims(database, times),
        SqlAttemptStore(database, times),
        SqlReportStore(database),
        SqlCheckpointStore(database),
        completion,
        column_lists,
        times,
        signing_public_key,
    )
