"""ExperimentService: experiments, runs and metrics, and values that callers add."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omniscope.registry.v1 import experiment_service_pb2 as messages
from omniscope.registry.v1.experiment_service_pb2_grpc import ExperimentServiceServicer
from omniscope_registry.experiments.convert import points_from_proto, whole_run_to_proto
from omniscope_registry.experiments.experiments_sql import SqlExperimentReader
from omniscope_registry.experiments.logging_sql import SqlMetricLog
from omniscope_registry.experiments.metrics_sql import SqlMetricReader
from omniscope_registry.experiments.runs_sql import SqlRunReader
from omniscope_service.rpc.auth import current_caller

if TYPE_CHECKING:
    from omniscope_registry.database import Database
    from omniscope_service.rpc.context import Context


class ExperimentServicer(ExperimentServiceServicer):
    """Serves the caller's own runs.

    Args:
        database: Where the jobs and their metrics are.
    """

    def __init__(self, database: Database) -> None:
        self._experiments = SqlExperimentReader(database)
        self._runs = SqlRunReader(database)
        self._metrics = SqlMetricReader(database)
        self._log = SqlMetricLog(database)

    async def ListExperiments(
        self, request: messages.ListExperimentsRequest, context: Context
    ) -> messages.ListExperimentsResponse:
        """List the caller's experiments."""
        found, token = await self._experiments.page(current_caller().subject, request)
        return messages.ListExperimentsResponse(experiments=found, next_page_token=token)

    async def GetExperiment(
        self, request: messages.GetExperimentRequest, context: Context
    ) -> messages.Experiment:
        """Return an experiment."""
        return await self._experiments.get(current_caller().subject, request.experiment)

    async def ListRuns(
        self, request: messages.ListRunsRequest, context: Context
    ) -> messages.ListRunsResponse:
        """List the runs of an experiment."""
        found, token = await self._runs.page(current_caller().subject, request)
        return messages.ListRunsResponse(runs=found, next_page_token=token)

    async def GetRun(self, request: messages.GetRunRequest, context: Context) -> messages.Run:
        """Return a run with parameters and metrics."""
        row, inputs = await self._runs.get(current_caller().subject, request.run_id)
        return whole_run_to_proto(row, inputs, await self._metrics.last(row.id))

    async def GetMetricHistory(
        self, request: messages.GetMetricHistoryRequest, context: Context
    ) -> messages.GetMetricHistoryResponse:
        """Return the values of a metric."""
        row, _ = await self._runs.get(current_caller().subject, request.run_id)
        values, token = await self._metrics.history_page(row.id, request)
        return messages.GetMetricHistoryResponse(values=values, next_page_token=token)

    async def LogMetrics(
        self, request: messages.LogMetricsRequest, context: Context
    ) -> messages.LogMetricsResponse:
        """Add values to a run."""
        points = points_from_proto(request)
        added = await self._log.add(current_caller().subject, request.run_id, points)
        return messages.LogMetricsResponse(added_count=added)
