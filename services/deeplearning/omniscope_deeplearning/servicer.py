"""The deeplearning API: requests are checked and queued here, never worked on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omniscope.deeplearning.v1 import deep_learning_service_pb2_grpc
from omniscope_deeplearning.convert import architectures_to_proto, plan_to_submission

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from omniscope.common.v1.job_event_pb2 import JobEvent, WatchRequest
    from omniscope.common.v1.job_pb2 import Job
    from omniscope.deeplearning.v1 import deep_learning_service_pb2
    from omniscope_deeplearning.planner import TrainingPlanner
    from omniscope_service.job_service import JobApi
    from omniscope_service.rpc.context import Context


class DeepLearningServicer(deep_learning_service_pb2_grpc.DeepLearningServiceServicer):
    """Serves `omniscope.deeplearning.v1.DeepLearningService`.

    Args:
        jobs: Registry, workers and events.
        planner: Checks training requests.
    """

    def __init__(self, jobs: JobApi, planner: TrainingPlanner) -> None:
        self._jobs = jobs
        self._planner = planner

    async def Train(
        self, request: deep_learning_service_pb2.TrainRequest, context: Context
    ) -> Job:
        """Check the request and queue a job."""
        self._jobs.warm_up()
        plan = await self._planner.plan(request)
        return await self._jobs.submit(plan_to_submission(plan))

    def WatchTraining(self, request: WatchRequest, context: Context) -> AsyncIterator[JobEvent]:
        """Stream a training's events."""
        return self._jobs.watch(request)

    async def ListArchitectures(
        self, request: deep_learning_service_pb2.ListArchitecturesRequest, context: Context
    ) -> deep_learning_service_pb2.ListArchitecturesResponse:
        """List what `TrainRequest.architecture` may be."""
        self._jobs.warm_up()
        return architectures_to_proto()
