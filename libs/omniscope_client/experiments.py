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
from omniscope_client.paging import page_sizes


class Experiments:
    """Reads experiments and runs, and adds metrics. A run's id is its job's."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = ExperimentServiceStub(calls.channel)

    def list(self, limit: int = 50) -> Iterator[Experiment]:
        """Yield experiments by name, at most `limit`."""
        token = ""
        for size in page_sizes(limit):
            request = ListExperimentsRequest(page_size=size, page_token=token)
            page = self._calls.unary(self._stub.ListExperiments, request)
            yield from page.experiments
            if not (token := page.next_page_token):
                return

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
        token = ""
        for size in page_sizes(limit):
            request = ListRunsRequest(
                experiment=experiment,
                page_size=size,
                page_token=token,
                filter=query,
                order_by=order_by,
            )
            page = self._calls.unary(self._stub.ListRuns, request)
            yield from page.runs
            if not (token := page.next_page_token):
                return

    def run(self, run_id: str) -> Run:
        """Return a run with its parameters and the last value of every metric."""
        return self._calls.unary(self._stub.GetRun, GetRunRequest(run_id=run_id))

    def history(self, run_id: str, metric: str, limit: int = 1000) -> Iterator[MetricValue]:
        """Yield the values of a run's metric in the order of logging, at most `limit`."""
        token = ""
        for size in page_sizes(limit):
            request = GetMetricHistoryRequest(
                run_id=run_id, metric=metric, page_size=size, page_token=token
            )
            page = self._calls.unary(self._stub.GetMetricHistory, request)
            yield from page.values
            if not (token := page.next_page_token):
                return

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
