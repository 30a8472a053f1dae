"""The echo API: requests are checked and queued here, never worked on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omniscope.registry.v1.dataset_service_pb2 import GetDatasetRequest
from omniscope.registry.v1.model_service_pb2 import GetModelRequest
from omniscope_echo.convert import check_request, request_to_submission
from omniscope_echo.v1 import echo_service_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from omniscope.common.v1.job_event_pb2 import JobEvent, WatchRequest
    from omniscope.common.v1.job_pb2 import Job
    from omniscope_echo.v1.echo_service_pb2 import EchoRequest
    from omniscope_service.job_service import JobApi
    from omniscope_service.rpc.context import Context


class EchoServicer(echo_service_pb2_grpc.EchoServiceServicer):
    """Serves `omniscope_echo.v1.EchoService`.

    Args:
        jobs: Registry, workers and events.
    """

    def __init__(self, jobs: JobApi) -> None:
        self._jobs = jobs

    async def Echo(self, request: EchoRequest, context: Context) -> Job:
        """Check the request and queue a job."""
        self._jobs.warm_up()
        check_request(request)
        registry = self._jobs.registry
        # As the caller: what is somebody else's is not found.
        dataset = await registry.datasets.GetDataset(
            GetDatasetRequest(dataset_id=request.dataset_id)
        )
        model = await registry.models.GetModel(GetModelRequest(model_id=request.model_id))
        return await self._jobs.submit(request_to_submission(request, dataset, model))

    def WatchEcho(self, request: WatchRequest, context: Context) -> AsyncIterator[JobEvent]:
        """Stream a job's events."""
        return self._jobs.watch(request)
