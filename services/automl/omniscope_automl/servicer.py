"""The automl API: requests are checked and queued here, never worked on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omniscope.automl.v1 import automl_service_pb2_grpc
from omniscope_automl.candidates import read_candidates
from omniscope_automl.convert import leaderboard_to_proto, plan_to_submission, presets_to_proto

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from omniscope.automl.v1 import automl_service_pb2
    from omniscope.common.v1.job_event_pb2 import JobEvent, WatchRequest
    from omniscope.common.v1.job_pb2 import Job
    from omniscope_automl.planner import TrainingPlanner
    from omniscope_service.job_service import JobApi
    from omniscope_service.rpc.context import Context


class AutoMLServicer(automl_service_pb2_grpc.AutoMLServiceServicer):
    """Serves `omniscope.automl.v1.AutoMLService`.

    Args:
        jobs: Registry, workers and events.
        planner: Checks training requests.
    """

    def __init__(self, jobs: JobApi, planner: TrainingPlanner) -> None:
        self._jobs = jobs
        self._planner = planner

    async def Train(self, request: automl_service_pb2.TrainRequest, context: Context) -> Job:
        """Check the request and queue a job."""
        self._jobs.warm_up()
        plan = await self._planner.plan(request)
        return await self._jobs.submit(plan_to_submission(plan))

    def WatchTraining(self, request: WatchRequest, context: Context) -> AsyncIterator[JobEvent]:
        """Stream a training's events."""
        return self._jobs.watch(request)

    async def GetLeaderboard(
        self, request: automl_service_pb2.GetLeaderboardRequest, context: Context
    ) -> automl_service_pb2.Leaderboard:
        """Return the candidates that a job has trained so far."""
        entries = await read_candidates(self._jobs.registry, request.job_id)
        return leaderboard_to_proto(request.job_id, entries)

    async def ListPresets(
        self, request: automl_service_pb2.ListPresetsRequest, context: Context
    ) -> automl_service_pb2.ListPresetsResponse:
        """List the presets that `TrainRequest.quality` accepts."""
        self._jobs.warm_up()
        return presets_to_proto()
