"""Puts a service that runs jobs together: its API, its workers, or both in one process."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from importlib.metadata import distributions
from typing import TYPE_CHECKING, Final

from omniscope_service.app import Service
from omniscope_service.artifacts import ArtifactStore
from omniscope_service.events.nats import NatsBus
from omniscope_service.jobs.worker import Worker, WorkerDefinition
from omniscope_service.main import run_service
from omniscope_service.registry_client import RegistryClient
from omniscope_service.resources import memory_size_bytes
from omniscope_service.rpc.auth import LocalTokens
from omniscope_service.watch import JobWatcher, RegistryJournal
from omniscope_suite.services import public_names

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping
    from contextlib import AsyncExitStack

    from omniscope.common.v1.job_event_pb2 import JobEvent, WatchRequest
    from omniscope.common.v1.job_pb2 import Job
    from omniscope.registry.v1.job_intake_service_pb2 import SubmitJobRequest
    from omniscope.registry.v1.worker_service_pb2 import ClaimJobResponse
    from omniscope_service.rpc.server import Registration
    from omniscope_service.settings import JobServiceSettings
    from omniscope_suite.entry import ResourceClass, ServiceEntry

# The rest is for the worker itself, and for what grows between two looks.
_USABLE_MEMORY: Final = 0.85


@dataclass(frozen=True, kw_only=True)
class JobApi:
    """The parts that the API of a service that runs jobs works with.

    Attributes:
        registry: Acts for the current caller.
        watcher: Streams the events of jobs.
        workers: The workers of this process; none where it only serves.
        resource_classes: The kinds of jobs that those work on.
    """

    registry: RegistryClient
    watcher: JobWatcher
    workers: tuple[Worker, ...] = ()
    resource_classes: tuple[ResourceClass, ...] = ()

    def warm_up(self) -> None:
        """Say that somebody is about to start a job: the first worker warms its child up."""
        for worker in self.workers[:1]:
            worker.warm_up()

    async def submit(self, submission: SubmitJobRequest) -> Job:
        """Queue a job for the current caller."""
        # The call is repeated when its answer is lost, and must then find the same job.
        submission.request_id = submission.request_id or str(uuid.uuid4())
        return await self.registry.intake.SubmitJob(submission)

    def watch(self, request: WatchRequest) -> AsyncGenerator[JobEvent, None]:
        """Stream the events of a job."""
        return self.watcher.watch(request)


@dataclass(frozen=True, kw_only=True)
class JobService:
    """The parts of a service that runs jobs in which it differs from others.

    Attributes:
        entry: What the suite knows of it.
        settings: What it reads from the environment.
        api: Makes its servicer.
        trainer: Module that works on a job, imported in children only; see `jobs.child`.
        spec_from_claim: Makes the trainer's spec of a granted claim and of the worker's resource
            class; see `WorkerDefinition`.
        engines: Distributions whose versions a worker announces, those that it has.
    """

    entry: ServiceEntry
    settings: type[JobServiceSettings]
    api: Callable[[JobApi], Registration]
    trainer: str
    spec_from_claim: Callable[[ClaimJobResponse, ResourceClass], Mapping[str, object]]
    engines: tuple[str, ...] = ()

    def run(self) -> None:
        """Run the role that the command line names until the process is told to stop."""
        run_service(self.entry, self.settings, self.build)

    async def build(
        self, role: str, settings: JobServiceSettings, stack: AsyncExitStack
    ) -> Service:
        """Open what a role needs and return its service.

        Args:
            role: `serve` answers calls, `work` runs jobs, `all` does both in one process.
            settings: From the environment.
            stack: Closes the resources, last opened first, after the service has stopped.

        Raises:
            ConfigurationError: A token file is missing.
        """
        name = self.entry.name
        tokens = LocalTokens.read(settings.home)
        bus = await NatsBus.connect(settings.nats_url, f"{name}-{role}")
        stack.push_async_callback(bus.close)
        service = Service(name, settings.listen, verifier=tokens, described=public_names())
        classes = settings.usable_classes(self.entry.resource_classes) if role != "serve" else ()
        workers = await self._workers(classes, settings, tokens, bus, stack) if classes else ()
        service.workers.extend(worker.run for worker in workers)
        if role != "work":
            registry = await stack.enter_async_context(
                RegistryClient(settings.registry_target, tokens.service, forward_caller=True)
            )
            watcher = JobWatcher(RegistryJournal(registry), bus)
            api = JobApi(
                registry=registry, watcher=watcher, workers=workers, resource_classes=classes
            )
            service.registrations.append(self.api(api))
        return service

    async def _workers(
        self,
        classes: tuple[ResourceClass, ...],
        settings: JobServiceSettings,
        tokens: LocalTokens,
        bus: NatsBus,
        stack: AsyncExitStack,
    ) -> tuple[Worker, ...]:
        registry = await stack.enter_async_context(
            RegistryClient(settings.registry_target, tokens.worker)
        )
        artifacts = ArtifactStore.open(settings.artifacts_url)
        children = settings.slots * len(classes)
        return tuple(
            Worker(
                self._definition(resource_class, settings.slots),
                registry,
                bus,
                artifacts,
                settings.home,
                child_memory_bytes=settings.child_memory_bytes or _memory_share(children),
                dataset_cache_bytes=settings.dataset_cache_bytes,
                package_cache_bytes=settings.package_cache_bytes,
                machine_slots=settings.machine_slots,
            )
            for resource_class in classes
        )

    def _definition(self, resource_class: ResourceClass, slots: int) -> WorkerDefinition:
        return WorkerDefinition(
            service=self.entry.name,
            resource_class=resource_class,
            slots=slots,
            trainer=self.trainer,
            spec_from_claim=lambda claim: self.spec_from_claim(claim, resource_class),
            versions=_versions(self.engines),
        )


def _memory_share(children: int) -> int:
    return int(_USABLE_MEMORY * memory_size_bytes() / children)


def _versions(engines: tuple[str, ...]) -> dict[str, str]:
    names = ("omniscope", *engines)
    return {name: found.version for name in names for found in distributions(name=name)}
