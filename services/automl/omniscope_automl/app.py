"""Puts the automl service together: its API, its worker, or both in one process."""

from __future__ import annotations

from importlib.metadata import distributions
from typing import TYPE_CHECKING, Final

from omniscope.automl.v1 import automl_service_pb2, automl_service_pb2_grpc
from omniscope.deeplearning.v1 import deep_learning_service_pb2
from omniscope.registry.v1 import (
    dataset_service_pb2,
    experiment_service_pb2,
    job_service_pb2,
    model_service_pb2,
)
from omniscope_automl.convert import RESOURCE_CLASS, SERVICE, claim_to_spec
from omniscope_automl.planner import TrainingPlanner
from omniscope_automl.servicer import AutoMLServicer
from omniscope_ml.resources import memory_size_bytes
from omniscope_service.app import Service
from omniscope_service.artifacts import ArtifactStore
from omniscope_service.events.nats import NatsBus
from omniscope_service.jobs.worker import Worker, WorkerDefinition
from omniscope_service.registry_client import RegistryClient
from omniscope_service.rpc.auth import LocalTokens
from omniscope_service.rpc.server import Registration
from omniscope_service.watch import JobWatcher, RegistryJournal

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    from omniscope_automl.settings import AutoMLSettings

TRAINER: Final = "omniscope_automl.trainer"
ROLES: Final = ("serve", "work", "all")
# The rest is for the worker itself, and for what grows between two looks.
_USABLE_MEMORY: Final = 0.85
# A worker announces those that it has: XGBoost comes as either package, torch is optional.
_ENGINES: Final = (
    "omniscope",
    "autogluon.tabular",
    "catboost",
    "lightgbm",
    "torch",
    "xgboost",
    "xgboost-cpu",
)
# Reached at the same address as this service, through the gateway, whose reflection is ours.
_DESCRIBED: Final = (
    deep_learning_service_pb2.DESCRIPTOR.services_by_name["DeepLearningService"].full_name,
    dataset_service_pb2.DESCRIPTOR.services_by_name["DatasetService"].full_name,
    experiment_service_pb2.DESCRIPTOR.services_by_name["ExperimentService"].full_name,
    job_service_pb2.DESCRIPTOR.services_by_name["JobService"].full_name,
    model_service_pb2.DESCRIPTOR.services_by_name["ModelService"].full_name,
)


async def build(role: str, settings: AutoMLSettings, stack: AsyncExitStack) -> Service:
    """Open what a role needs and return its service.

    Args:
        role: `serve` answers calls, `work` runs jobs, `all` does both in one process.
        settings: From the environment.
        stack: Closes the resources, last opened first, after the service has stopped.

    Raises:
        ConfigurationError: A token file is missing.
    """
    tokens = LocalTokens.read(settings.home)
    bus = await NatsBus.connect(settings.nats_url, f"{SERVICE}-{role}")
    stack.push_async_callback(bus.close)
    service = Service(name=SERVICE, listen=settings.listen, verifier=tokens)
    worker = await _worker(settings, tokens, bus, stack) if role in ("work", "all") else None
    if worker is not None:
        service.workers.append(worker.run)
    if role in ("serve", "all"):
        service.registrations.append(await _api(settings, tokens, bus, stack, worker))
        service.described = _DESCRIBED
    return service


async def _api(
    settings: AutoMLSettings,
    tokens: LocalTokens,
    bus: NatsBus,
    stack: AsyncExitStack,
    worker: Worker | None,
) -> Registration:
    registry = await stack.enter_async_context(
        RegistryClient(settings.registry_target, tokens.service, forward_caller=True)
    )
    watcher = JobWatcher(RegistryJournal(registry), bus)
    planner = TrainingPlanner(registry, trains_here=worker is not None)
    servicer = AutoMLServicer(registry, planner, watcher, worker.warm_up if worker else _nothing)
    return Registration(
        servicer,
        automl_service_pb2_grpc.add_AutoMLServiceServicer_to_server,
        automl_service_pb2.DESCRIPTOR.services_by_name["AutoMLService"].full_name,
    )


async def _worker(
    settings: AutoMLSettings, tokens: LocalTokens, bus: NatsBus, stack: AsyncExitStack
) -> Worker:
    registry = await stack.enter_async_context(
        RegistryClient(settings.registry_target, tokens.worker)
    )
    definition = WorkerDefinition(
        service=SERVICE,
        resource_class=RESOURCE_CLASS,
        slots=settings.slots,
        trainer=TRAINER,
        spec_from_claim=claim_to_spec,
        versions=_versions(),
    )
    return Worker(
        definition,
        registry,
        bus,
        ArtifactStore.open(settings.artifacts_url),
        settings.home,
        child_memory_bytes=settings.child_memory_bytes or _memory_share(settings.slots),
        cache_bytes=settings.dataset_cache_bytes,
        machine_slots=settings.machine_slots,
    )


def _memory_share(slots: int) -> int:
    return int(_USABLE_MEMORY * memory_size_bytes() / slots)


def _versions() -> dict[str, str]:
    return {name: found.version for name in _ENGINES for found in distributions(name=name)}


def _nothing() -> None:
    """Do nothing: a process without a worker has nothing to warm up."""
