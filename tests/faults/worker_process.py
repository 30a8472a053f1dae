"""A worker of a fake service: `python -m tests.faults.worker_process`."""

import json
import os

from omniscope_service.app import Service, run
from omniscope_service.artifacts import ArtifactStore
from omniscope_service.events.nats import NatsBus
from omniscope_service.jobs.worker import Worker, WorkerDefinition
from omniscope_service.log import configure_logging
from omniscope_service.registry_client import RegistryClient
from omniscope_service.rpc.auth import LocalTokens
from omniscope_service.settings import ServiceSettings


def spec_from_claim(grant):
    about = {"job_id": grant.lease.job_id, "attempt": grant.lease.attempt}
    return json.loads(grant.job.description) | about


async def build(stack):
    settings = ServiceSettings.load()
    configure_logging("fake-work", settings.log_level)
    bus = await NatsBus.connect(settings.nats_url, "fake-work")
    stack.push_async_callback(bus.close)
    registry = await stack.enter_async_context(
        RegistryClient(settings.registry_target, LocalTokens.read(settings.home).worker)
    )
    definition = WorkerDefinition(
        service="fake",
        resource_class="cpu",
        slots=1,
        trainer="tests.faults.trainer",
        spec_from_claim=spec_from_claim,
        versions={"omniscope": "1"},
    )
    worker = Worker(
        definition,
        registry,
        bus,
        ArtifactStore.open(settings.artifacts_url),
        settings.home,
        grace_seconds=1.0,
        silence_seconds=float(os.environ.get("FAKE_SILENCE_SECONDS", "1800")),
        child_memory_bytes=int(os.environ.get("FAKE_CHILD_MEMORY_BYTES", 2**33)),
    )
    worker.warm_up()
    return Service(name="fake", workers=[worker.run])


if __name__ == "__main__":
    run(build)
