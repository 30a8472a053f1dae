"""Experiments, runs and their metrics."""

from collections.abc import Iterable, Iterator

from omniscope.registry.v1.experiment_service_pb2 import (
    Experiment,
    GetExperimentRequest,
    GetMetricHistoryRequest,
    GetRunRequest,
    ListExperimentsRequest,
    ListRunsRequest,
    LoggedMetric,
    LogMetricsRequest,
    MetricValue,
    Run,
)
from omniscope.registry.v1.experiment_service_pb2_grpc import ExperimentServiceStub
from omniscope_client.calls import Calls
from omniscope_client.paging import Page, rows_of


class Experiments:
    """Reads experiments and runs, and adds metrics. A run's id is its job's."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = ExperimentServiceStub(calls.channel)

    def list(self, limit: int = 50) -> Iterator[Experiment]:
        """Yield experiments by name, at most `limit`."""

        def page(size: int, token: str) -> Page[Experiment]:
            request = ListExperimentsRequest(page_size=size, page_token=token)
            answer = self._calls.unary(self._stub.ListExperiments, request)
            return answer.experiments, answer.next_page_token

        return rows_of(page, limit)

    def get(self, experiment: str) -> Experiment:
        """Return an experiment by its name."""
        request = GetExperimentRequest(experiment=experiment)
        return self._calls.unary(self._stub.GetExperiment, request)

    def runs(
        self, experiment: str, limit: int = 50, query: str = "", *, order_by: str = ""
    ) -> Iterator[Run]:
        """Yield an experiment's runs, the newest first, at most `limit`.

        Args:
            experiment: Its name.
            limit: How many at most.
            query: `ListRuns.filter`.
            order_by: `create_time`: the oldest first.
        """

        def page(size: int, token: str) -> Page[Run]:
            request = ListRunsRequest(
                experiment=experiment,
                page_size=size,
                page_token=token,
                filter=query,
                order_by=order_by,
            )
            answer = self._calls.unary(self._stub.ListRuns, request)
            return answer.runs, answer.next_page_token

        return rows_of(page, limit)

    def run(self, run_id: str) -> Run:
        """Return a run with its parameters and the last value of every metric."""
        return self._calls.unary(self._stub.GetRun, GetRunRequest(run_id=run_id))

    def history(self, run_id: str, metric: str, limit: int = 1000) -> Iterator[MetricValue]:
        """Yield the values of a run's metric in the order of logging, at most `limit`."""

        def page(size: int, token: str) -> Page[MetricValue]:
            request = GetMetricHistoryRequest(
                run_id=run_id, metric=metric, page_size=size, page_token=token
            )
            answer = self._calls.unary(self._stub.GetMetricHistory, request)
            return answer.values, answer.next_page_token

        return rows_of(page, limit)

    def log(self, run_id: str, metrics: Iterable[LoggedMetric]) -> int:
        """Add values of own metrics to a run, and to MLflow; those that it has are left alone.

        Args:
            run_id: The run.
            metrics: Key, value and step of each; at most 1,000.

        Returns:
            How many were new.
        """
        request = LogMetricsRequest(run_id=run_id, metrics=metrics)
        return self._calls.unary(self._stub.LogMetrics, request).added_count
