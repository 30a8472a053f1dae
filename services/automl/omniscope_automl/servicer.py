"""The automl API: requests are checked and queued here, never worked on."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from omniscope.automl.v1 import automl_service_pb2_grpc
from omniscope_automl.candidates import read_candidates
from omniscope_automl.convert import leaderboard_to_proto, plan_to_submission, presets_to_proto

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from omniscope.automl.v1 import automl_service_pb2
    from omniscope.common.v1.job_event_pb2 import JobEvent, WatchRequest
    from omniscope.common.v1.job_pb2 import Job
    from omniscope_automl.planner import TrainingPlanner
    from omniscope_service.registry_client import RegistryClient
    from omniscope_service.rpc.context import Context
    from omniscope_service.watch import JobWatcher


class AutoMLServicer(automl_service_pb2_grpc.AutoMLServiceServicer):
    """Serves `omniscope.automl.v1.AutoMLService`.

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

    async def Train(self, request: automl_service_pb2.TrainRequest, context: Context) -> Job:
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

    async def GetLeaderboard(
        self, request: automl_service_pb2.GetLeaderboardRequest, context: Context
    ) -> automl_service_pb2.Leaderboard:
        """Return the candidates that a job has trained so far."""
        entries = await read_candidates(self._registry, request.job_id)
        return leaderboard_to_proto(request.job_id, entries)

    async def ListPresets(
        self, request: automl_service_pb2.ListPresetsRequest, context: Context
    ) -> automl_service_pb2.ListPresetsResponse:
        """List the presets that `TrainRequest.quality` accepts."""
        self._on_use()
        return presets_to_proto()
