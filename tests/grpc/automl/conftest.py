"""The real automl API before a real registry, with a few small datasets; no worker runs."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import grpc
import pytest

from omniscope.automl.v1.automl_service_pb2_grpc import AutoMLServiceStub
from omniscope.common.v1.dataset_pb2 import Dataset
from omniscope.registry.v1.dataset_service_pb2 import UploadDatasetRequest
from omniscope.registry.v1.dataset_service_pb2_grpc import DatasetServiceStub
from omniscope.registry.v1.job_service_pb2_grpc import JobServiceStub
from omniscope.registry.v1.worker_service_pb2_grpc import WorkerServiceStub
from omniscope_automl import app as automl
from omniscope_automl.settings import AutoMLSettings
from omniscope_registry import app as registry
from omniscope_registry.settings import RegistrySettings
from omniscope_service.rpc.auth import LocalTokens
from omniscope_service.testing.serving import channel, serve
from omniscope_service.testing.tokens import write_tokens
from tests.grpc.automl.tables import TABLES


class Suite:
    """Registry and automl in an event loop of their own, so that tests may be plain functions.

    Attributes:
        tokens: Tokens that both know.
        registry_target: gRPC target of the registry.
        automl_target: gRPC target of automl.
    """

    def __init__(self, home: Path, nats_url: str) -> None:
        self.tokens: LocalTokens = write_tokens(home)
        self.registry_target = ""
        self.automl_target = ""
        self._home, self._nats_url = home, nats_url
        self._started = threading.Event()
        self._stop: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def __enter__(self) -> "Suite":
        self._thread.start()
        assert self._started.wait(20)
        assert self.automl_target, "the suite did not start"
        return self

    def __exit__(self, *_: object) -> None:
        assert self._loop is not None
        assert self._stop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        try:
            async with AsyncExitStack() as stack:
                settings = RegistrySettings(home=self._home, nats_url=self._nats_url)
                service = await registry.build("serve", settings, stack)
                self.registry_target = await stack.enter_async_context(serve(service))
                mine = AutoMLSettings(
                    home=self._home,
                    nats_url=self._nats_url,
                    registry_target=self.registry_target,
                )
                self.automl_target = await stack.enter_async_context(
                    serve(await automl.build("serve", mine, stack))
                )
                self._started.set()
                await self._stop.wait()
        finally:
            self._started.set()


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory, nats_url: str) -> Iterator[Suite]:
    with Suite(tmp_path_factory.mktemp("automl") / "home", nats_url) as suite:
        yield suite


@pytest.fixture(scope="session")
def credentials(suite: Suite) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {suite.tokens.user}"),)


@pytest.fixture(scope="session")
def automl_channel(suite: Suite) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(suite.automl_target) as opened:
        yield opened


@pytest.fixture(scope="session")
def registry_channel(suite: Suite) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(suite.registry_target) as opened:
        yield opened


@pytest.fixture(scope="session")
def stub(automl_channel: grpc.Channel) -> AutoMLServiceStub:
    return AutoMLServiceStub(automl_channel)


@pytest.fixture(scope="session")
def jobs(registry_channel: grpc.Channel) -> JobServiceStub:
    return JobServiceStub(registry_channel)


@pytest.fixture(scope="session")
def workers(registry_channel: grpc.Channel) -> WorkerServiceStub:
    return WorkerServiceStub(registry_channel)


@pytest.fixture(scope="session")
def datasets(
    registry_channel: grpc.Channel, credentials: tuple[tuple[str, str], ...]
) -> dict[str, Dataset]:
    """The tables of `tables`, uploaded; by name."""
    uploaded = {}
    for name, table in TABLES.items():
        request = UploadDatasetRequest(name=name, format="csv")
        request.data.data = table.encode()
        uploaded[name] = DatasetServiceStub(registry_channel).UploadDataset(
            iter([request]), metadata=credentials, timeout=60
        )
    return uploaded


@pytest.fixture
async def watching(suite: Suite) -> AsyncIterator[AutoMLServiceStub]:
    """An asynchronous stub, for streams."""
    async with channel(suite.automl_target, suite.tokens.user) as opened:
        yield AutoMLServiceStub(opened)
