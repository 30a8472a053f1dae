"""Puts the deeplearning service together: its API, its workers, or both in one process."""

from __future__ import annotations

from functools import partial
from importlib.metadata import distributions
from typing import TYPE_CHECKING, Final

from omniscope.deeplearning.v1 import deep_learning_service_pb2, deep_learning_service_pb2_grpc
from omniscope_deeplearning.convert import SERVICE, claim_to_spec
from omniscope_deeplearning.planner import TrainingPlanner
from omniscope_deeplearning.servicer import DeepLearningServicer
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

    from omniscope_deeplearning.settings import DeepLearningSettings
    from omniscope_deeplearning.spec import Accelerator

TRAINER: Final = "omniscope_deeplearning.trainer"
ROLES: Final = ("serve", "work", "all")
# The rest is for the worker itself, and for what grows between two looks.
_USABLE_MEMORY: Final = 0.85
# A worker announces those that it has.
_ENGINES: Final = ("omniscope", "pytorch-lightning", "safetensors", "torch")


async def build(role: str, settings: DeepLearningSettings, stack: AsyncExitStack) -> Service:
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
    workers = await _workers(settings, tokens, bus, stack) if role in ("work", "all") else []
    service.workers.extend(worker.run for worker in workers)
    if role in ("serve", "all"):
        service.registrations.append(await _api(settings, tokens, bus, stack, workers))
    return service


async def _api(
    settings: DeepLearningSettings,
    tokens: LocalTokens,
    bus: NatsBus,
    stack: AsyncExitStack,
    workers: list[Worker],
) -> Registration:
    registry = await stack.enter_async_context(
        RegistryClient(settings.registry_target, tokens.service, forward_caller=True)
    )
    watcher = JobWatcher(RegistryJournal(registry), bus)
    kinds_here = settings.resource_classes if workers else ()
    planner = TrainingPlanner(registry, kinds_here=kinds_here)
    servicer = DeepLearningServicer(
        registry, planner, watcher, workers[0].warm_up if workers else _nothing
    )
    return Registration(
        servicer,
        deep_learning_service_pb2_grpc.add_DeepLearningServiceServicer_to_server,
        deep_learning_service_pb2.DESCRIPTOR.services_by_name["DeepLearningService"].full_name,
    )


async def _workers(
    settings: DeepLearningSettings, tokens: LocalTokens, bus: NatsBus, stack: AsyncExitStack
) -> list[Worker]:
    registry = await stack.enter_async_context(
        RegistryClient(settings.registry_target, tokens.worker)
    )
    artifacts = ArtifactStore.open(settings.artifacts_url)
    memory = settings.child_memory_bytes or _memory_share(settings)
    return [
        Worker(
            _definition(resource_class, settings.slots),
            registry,
            bus,
            artifacts,
            settings.home,
            child_memory_bytes=memory,
            cache_bytes=settings.dataset_cache_bytes,
            machine_slots=settings.machine_slots,
        )
        for resource_class in settings.resource_classes
    ]


def _definition(resource_class: Accelerator, slots: int) -> WorkerDefinition:
    return WorkerDefinition(
        service=SERVICE,
        resource_class=resource_class,
        slots=slots,
        trainer=TRAINER,
        spec_from_claim=partial(claim_to_spec, accelerator=resource_class),
        versions=_versions(),
    )


def _memory_share(settings: DeepLearningSettings) -> int:
    children = settings.slots * len(settings.resource_classes)
    return int(_USABLE_MEMORY * memory_size_bytes() / children)


def _versions() -> dict[str, str]:
    return {name: found.version for name in _ENGINES for found in distributions(name=name)}


def _nothing() -> None:
    """Do nothing: a process without a worker has nothing to warm up."""
