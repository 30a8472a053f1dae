"""Small servicers behind a real server, whose answers each test decides.

They serve only the methods that tests call.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from omniscope.common.v1 import dataset_pb2, job_event_pb2, job_pb2
from omniscope.registry.v1 import (
    dataset_service_pb2_grpc,
    job_intake_service_pb2_grpc,
    job_service_pb2_grpc,
    worker_service_pb2,
    worker_service_pb2_grpc,
)
from omniscope_service.app import Service
from omniscope_service.rpc.auth import LocalTokens, current_caller
from omniscope_service.rpc.server import Registration
from omniscope_service.testing.serving import channel, serve


async def job_of_caller(request: Any, context: Any) -> job_pb2.Job:
    return job_pb2.Job(created_by=current_caller().subject)


async def one_event(request: Any, context: Any) -> AsyncIterator[job_event_pb2.JobEvent]:
    yield job_event_pb2.JobEvent(sequence=1)


class JobServicer(job_service_pb2_grpc.JobServiceServicer):
    """Answers with who called; a test replaces what GetJob, CancelJob and WatchJob do."""

    def __init__(self) -> None:
        self.on_get: Callable[[Any, Any], Awaitable[job_pb2.Job]] = job_of_caller
        self.on_watch: Callable[[Any, Any], Any] = one_event

    async def GetJob(self, request, context):
        return await self.on_get(request, context)

    async def CancelJob(self, request, context):
        return await self.on_get(request, context)

    def WatchJob(self, request, context):
        return self.on_watch(request, context)


class IntakeServicer(job_intake_service_pb2_grpc.JobIntakeServiceServicer):
    async def SubmitJob(self, request, context):
        return await job_of_caller(request, context)


class WorkerServicer(worker_service_pb2_grpc.WorkerServiceServicer):
    async def Heartbeat(self, request, context):
        return worker_service_pb2.HeartbeatResponse(
            cancel_requested=current_caller().subject == "worker"
        )

    async def ReportEvents(self, request, context):
        return worker_service_pb2.ReportEventsResponse(acknowledged_sequence=len(request.events))


class DatasetServicer(dataset_service_pb2_grpc.DatasetServiceServicer):
    """Counts the bytes of uploads; fails after the first message when a test says so."""

    def __init__(self) -> None:
        self.received = 0
        self.failure: Exception | None = None

    async def UploadDataset(self, request_iterator, context):
        async for request in request_iterator:
            self.received += len(request.data.data)
            if self.failure:
                raise self.failure
        return dataset_pb2.Dataset(size_bytes=self.received)


@pytest.fixture
def job_servicer() -> JobServicer:
    return JobServicer()  # type: ignore[abstract]


@pytest.fixture
def dataset_servicer() -> DatasetServicer:
    return DatasetServicer()  # type: ignore[abstract]


@pytest.fixture
def service(
    job_servicer: JobServicer, dataset_servicer: DatasetServicer, tokens: LocalTokens
) -> Service:
    added: dict[str, tuple[object, Callable[[Any, Any], None]]] = {
        "JobService": (job_servicer, job_service_pb2_grpc.add_JobServiceServicer_to_server),
        "JobIntakeService": (
            IntakeServicer(),
            job_intake_service_pb2_grpc.add_JobIntakeServiceServicer_to_server,
        ),
        "WorkerService": (
            WorkerServicer(),  # type: ignore[abstract]
            worker_service_pb2_grpc.add_WorkerServiceServicer_to_server,
        ),
        "DatasetService": (
            dataset_servicer,
            dataset_service_pb2_grpc.add_DatasetServiceServicer_to_server,
        ),
    }
    registrations = [
        Registration(servicer, add, f"omniscope.registry.v1.{name}")
        for name, (servicer, add) in added.items()
    ]
    return Service("probe", "127.0.0.1:0", registrations, verifier=tokens)


@pytest.fixture
async def target(service: Service) -> AsyncIterator[str]:
    """Where the service listens."""
    async with serve(service) as address:
        yield address


@pytest.fixture
async def user_channel(target: str, tokens: LocalTokens) -> AsyncIterator[Any]:
    """A plain channel with the user's token."""
    async with channel(target, tokens.user) as opened:
        yield opened


@pytest.fixture
def jobs(user_channel: Any) -> Any:
    """A plain stub of the job service, with the user's token."""
    return job_service_pb2_grpc.JobServiceStub(user_channel)
