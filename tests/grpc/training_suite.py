"""A training service before a real registry, for tests of its API; no worker runs."""

import asyncio
import threading
import uuid
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import grpc
from ulid import ULID

from omniscope.common.v1.dataset_pb2 import Dataset
from omniscope.registry.v1.dataset_service_pb2 import UploadDatasetRequest
from omniscope.registry.v1.dataset_service_pb2_grpc import DatasetServiceStub
from omniscope.registry.v1.worker_service_pb2 import (
    AnnounceWorkerRequest,
    ClaimJobRequest,
    ClaimJobResponse,
)
from omniscope.registry.v1.worker_service_pb2_grpc import WorkerServiceStub
from omniscope_registry import app as registry
from omniscope_registry.settings import RegistrySettings
from omniscope_service.app import Service
from omniscope_service.rpc.auth import LocalTokens
from omniscope_service.testing.serving import serve
from omniscope_service.testing.tokens import write_tokens
from tests.grpc.tables import TABLES

Credentials = tuple[tuple[str, str], ...]
# Of home, broker's URL, registry's target and what closes the service's resources.
Build = Callable[[Path, str, str, AsyncExitStack], Awaitable[Service]]


class TrainingSuite:
    """Registry and service in an event loop of their own, so that tests may be plain functions.

    Args:
        home: Folder for both.
        nats_url: The broker.
        build: Makes the service.

    Attributes:
        tokens: Tokens that both know.
        registry_target: gRPC target of the registry.
        service_target: gRPC target of the service.
    """

    def __init__(self, home: Path, nats_url: str, build: Build) -> None:
        self.tokens: LocalTokens = write_tokens(home)
        self.registry_target = ""
        self.service_target = ""
        self._home, self._nats_url, self._build = home, nats_url, build
        self._started = threading.Event()
        self._stop: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def __enter__(self) -> "TrainingSuite":
        self._thread.start()
        assert self._started.wait(60)
        assert self.service_target, "the suite did not start"
        return self

    def __exit__(self, *_: object) -> None:
        assert self._loop is not None
        assert self._stop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        try:
            async with AsyncExitStack() as stack:
                settings = RegistrySettings(home=self._home, nats_url=self._nats_url)
                service = await registry.build("serve", settings, stack)
                self.registry_target = await stack.enter_async_context(serve(service))
                mine = await self._build(self._home, self._nats_url, self.registry_target, stack)
                self.service_target = await stack.enter_async_context(serve(mine))
                self._started.set()
                await self._stop.wait()
        finally:
            self._started.set()


def claim_job(
    workers: WorkerServiceStub, token: str, service: str, job_id: str
) -> ClaimJobResponse:
    """Claim a job as a worker of its service; those before it in line start as well."""
    credentials = (("authorization", f"Bearer {token}"),)
    worker_id = str(ULID())
    announcement = AnnounceWorkerRequest(
        worker_id=worker_id, service=service, resource_class="cpu", slots=1
    )
    workers.AnnounceWorker(announcement, metadata=credentials)
    while True:
        request = ClaimJobRequest(
            worker_id=worker_id,
            claim_id=str(uuid.uuid4()),
            service=service,
            resource_class="cpu",
        )
        grant = workers.ClaimJob(request, metadata=credentials)
        assert grant.HasField("lease"), f"job {job_id} does not wait"
        if grant.lease.job_id == job_id:
            return grant


def upload_tables(channel: grpc.Channel, credentials: Credentials) -> dict[str, Dataset]:
    """Upload the tables of `tables` and return them by name."""
    uploaded = {}
    for name, table in TABLES.items():
        request = UploadDatasetRequest(name=name, format="csv")
        request.data.data = table.encode()
        uploaded[name] = DatasetServiceStub(channel).UploadDataset(
            iter([request]), metadata=credentials, timeout=60
        )
    return uploaded
