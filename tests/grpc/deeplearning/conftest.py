"""The real deeplearning API before a real registry, with a few small datasets; no worker runs."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import grpc
import pytest

from omniscope.common.v1.dataset_pb2 import Dataset
from omniscope.deeplearning.v1.deep_learning_service_pb2_grpc import DeepLearningServiceStub
from omniscope.registry.v1.job_service_pb2_grpc import JobServiceStub
from omniscope.registry.v1.worker_service_pb2_grpc import WorkerServiceStub
from omniscope_deeplearning.app import SERVICE
from omniscope_deeplearning.settings import DeepLearningSettings
from omniscope_service.app import Service
from omniscope_service.testing.serving import channel
from tests.grpc.training_suite import Credentials, TrainingSuite, upload_tables


async def build(home: Path, nats_url: str, registry: str, stack: AsyncExitStack) -> Service:
    settings = DeepLearningSettings(home=home, nats_url=nats_url, registry_target=registry)
    return await SERVICE.build("serve", settings, stack)


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory, nats_url: str) -> Iterator[TrainingSuite]:
    with TrainingSuite(tmp_path_factory.mktemp("deeplearning") / "home", nats_url, build) as suite:
        yield suite


@pytest.fixture(scope="session")
def credentials(suite: TrainingSuite) -> Credentials:
    return (("authorization", f"Bearer {suite.tokens.user}"),)


@pytest.fixture(scope="session")
def deeplearning_channel(suite: TrainingSuite) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(suite.service_target) as opened:
        yield opened


@pytest.fixture(scope="session")
def registry_channel(suite: TrainingSuite) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(suite.registry_target) as opened:
        yield opened


@pytest.fixture(scope="session")
def stub(deeplearning_channel: grpc.Channel) -> DeepLearningServiceStub:
    return DeepLearningServiceStub(deeplearning_channel)


@pytest.fixture(scope="session")
def jobs(registry_channel: grpc.Channel) -> JobServiceStub:
    return JobServiceStub(registry_channel)


@pytest.fixture(scope="session")
def workers(registry_channel: grpc.Channel) -> WorkerServiceStub:
    return WorkerServiceStub(registry_channel)


@pytest.fixture(scope="session")
def datasets(registry_channel: grpc.Channel, credentials: Credentials) -> dict[str, Dataset]:
    """The tables of `tables`, uploaded; by name."""
    return upload_tables(registry_channel, credentials)


@pytest.fixture
async def watching(suite: TrainingSuite) -> AsyncIterator[DeepLearningServiceStub]:
    """An asynchronous stub, for streams."""
    async with channel(suite.service_target, suite.tokens.user) as opened:
        yield DeepLearningServiceStub(opened)
