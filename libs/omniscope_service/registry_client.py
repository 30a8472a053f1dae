"""The registry as other services and workers see it: typed stubs over one channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from omniscope.registry.v1 import (
    dataset_service_pb2,
    dataset_service_pb2_grpc,
    job_intake_service_pb2,
    job_intake_service_pb2_grpc,
    job_service_pb2,
    job_service_pb2_grpc,
    model_service_pb2,
    model_service_pb2_grpc,
    projection_service_pb2,
    projection_service_pb2_grpc,
    worker_service_pb2,
    worker_service_pb2_grpc,
)
from omniscope_service.rpc.client import open_channel

if TYPE_CHECKING:
    from types import TracebackType

_SERVICES = [
    descriptor
    for module in (
        dataset_service_pb2,
        job_intake_service_pb2,
        job_service_pb2,
        model_service_pb2,
        projection_service_pb2,
        worker_service_pb2,
    )
    for descriptor in module.DESCRIPTOR.services_by_name.values()
]


class RegistryClient:
    """Typed stubs of every registry service; an async context manager that owns the channel.

    Unary errors arrive as `ServiceError`; pass streams through `rpc.client.stream`. Idempotent
    calls are repeated while the registry is UNAVAILABLE, so send a `request_id` with every
    SubmitJob.

    Args:
        target: gRPC target of the registry.
        token: This process's own token.
        forward_caller: Act for the current caller. True in services, False in workers and other
            processes that act for themselves.
    """

    def __init__(self, target: str, token: str, *, forward_caller: bool = False) -> None:
        self._channel = open_channel(
            target, token, forward_caller=forward_caller, services=_SERVICES
        )
        self.jobs = job_service_pb2_grpc.JobServiceStub(self._channel)
        self.intake = job_intake_service_pb2_grpc.JobIntakeServiceStub(self._channel)
        self.workers = worker_service_pb2_grpc.WorkerServiceStub(self._channel)
        self.datasets = dataset_service_pb2_grpc.DatasetServiceStub(self._channel)
        self.models = model_service_pb2_grpc.ModelServiceStub(self._channel)
        self.projections = projection_service_pb2_grpc.ProjectionServiceStub(self._channel)

    async def __aenter__(self) -> Self:
        await self._channel.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self._channel.__aexit__(exc_type, exc_val, exc_tb)
