"""The worker of a service whose jobs only report: `python -m benchmarks.reporting_worker`."""

import json
from collections.abc import Mapping
from contextlib import AsyncExitStack

from omniscope.registry.v1.worker_service_pb2 import ClaimJobResponse
from omniscope_service.app import Service, run
from omniscope_service.artifacts import ArtifactStore
from omniscope_service.events.nats import NatsBus
from omniscope_service.jobs.worker import Worker, WorkerDefinition
from omniscope_service.log import configure_logging
from omniscope_service.registry_client import RegistryClient
from omniscope_service.rpc.auth import LocalTokens
from omniscope_service.settings import ServiceSettings

SERVICE = "reporting"
CHILD_MEMORY_BYTES = 2**31


def spec_from_claim(grant: ClaimJobResponse) -> Mapping[str, object]:
    """Returns the trainer's spec, which travels as the job's description."""
    spec: dict[str, object] = json.loads(grant.job.description)
    return spec


async def build(stack: AsyncExitStack) -> Service:
    """Connects a worker with one slot, as services do."""
    settings = ServiceSettings.load()
    configure_logging(SERVICE, settings.log_level)
    bus = await NatsBus.connect(settings.nats_url, SERVICE)
    stack.push_async_callback(bus.close)
    registry = await stack.enter_async_context(
        RegistryClient(settings.registry_target, LocalTokens.read(settings.home).worker)
    )
    definition = WorkerDefinition(
        service=SERVICE,
        resource_class="cpu",
        slots=1,
        trainer="benchmarks.reporting_trainer",
        spec_from_claim=spec_from_claim,
        versions={"omniscope": "1"},
    )
    artifacts = ArtifactStore.open(settings.artifacts_url)
    worker = Worker(
        definition,
        registry,
        bus,
        artifacts,
        settings.home,
        child_memory_bytes=CHILD_MEMORY_BYTES,
    )
    return Service(name=SERVICE, workers=[worker.run])


if __name__ == "__main__":
    run(build)
