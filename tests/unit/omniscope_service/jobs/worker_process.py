"""A worker in a process of its own, which a test may kill: `worker_process.py <service>`."""

import json
import sys

from omniscope_service.app import Service, run
from omniscope_service.artifacts import ArtifactStore
from omniscope_service.events.nats import NatsBus
from omniscope_service.jobs.worker import Worker, WorkerDefinition
from omniscope_service.registry_client import RegistryClient
from omniscope_service.rpc.auth import LocalTokens
from omniscope_service.settings import ServiceSettings


async def build(stack):
    settings, service = ServiceSettings.load(), sys.argv[1]
    bus = await NatsBus.connect(settings.nats_url, service)
    stack.push_async_callback(bus.close)
    registry = await stack.enter_async_context(
        RegistryClient(settings.registry_target, LocalTokens.read(settings.home).worker)
    )
    definition = WorkerDefinition(
        service=service,
        resource_class="cpu",
        slots=1,
        trainer="fake_trainer",
        spec_from_claim=lambda grant: json.loads(grant.job.description),
        versions={},
    )
    artifacts = ArtifactStore.open(settings.artifacts_url)
    worker = Worker(definition, registry, bus, artifacts, settings.home, child_memory_bytes=2**33)
    return Service(name=service, workers=[worker.run])


if __name__ == "__main__":
    run(build)
