"""The deeplearning API: requests are checked and queued here, never worked on."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from omniscope.deeplearning.v1 import deep_learning_service_pb2_grpc
from omniscope_deeplearning.convert import architectures_to_proto, plan_to_submission

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from omniscope.common.v1.job_event_pb2 import JobEvent, WatchRequest
    from omniscope.common.v1.job_pb2 import Job
    from omniscope.deeplearning.v1 import deep_learning_service_pb2
    from omniscope_deeplearning.planner import TrainingPlanner
    from omniscope_service.registry_client import RegistryClient
    from omniscope_service.rpc.context import Context
    from omniscope_service.watch import JobWatcher


class DeepLearningServicer(deep_learning_service_pb2_grpc.DeepLearningServiceServicer):
    """Serves `omniscope.deeplearning.v1.DeepLearningService`.

    Args:
        registry: Acts for the current caller.
        planner: Checks training requests.
        watcher: Streams the events of jobs.
        on_use: Told at once that somebody is about to train, so that a worker in the same process
            can warm its child up meanwhile.
    """

    def __init__(
        self,
        registry: RegistryClient,
        planner: TrainingPlanner,
        watcher: JobWatcher,
        on_use: Callable[[], None],
    ) -> None:
        self._registry = registry
        self._planner = planner
        self._watcher = watcher
        self._on_use = on_use

    async def Train(
        self, request: deep_learning_service_pb2.TrainRequest, context: Context
    ) -> Job:
        """Check the request and queue a job."""
        self._on_use()
        plan = await self._planner.plan(request)
        return await self._registry.intake.SubmitJob(plan_to_submission(plan))

    async def WatchTraining(
        self, request: WatchRequest, context: Context
    ) -> AsyncIterator[JobEvent]:
        """Stream a training's events."""
        async with aclosing(self._watcher.watch(request)) as events:
            async for event in events:
                yield event

    async def ListArchitectures(
        self, request: deep_learning_service_pb2.ListArchitecturesRequest, context: Context
    ) -> deep_learning_service_pb2.ListArchitecturesResponse:
        """List what `TrainRequest.architecture` may be."""
        self._on_use()
        return architectures_to_proto()
