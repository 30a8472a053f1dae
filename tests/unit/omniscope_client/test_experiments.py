"""Experiments, runs and metrics, by method and by command."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from omniscope.common.v1.job_pb2 import JOB_STATE_SUCCEEDED
from omniscope.registry.v1 import experiment_service_pb2 as messages
from omniscope.registry.v1 import experiment_service_pb2_grpc as stubs
from omniscope_client.client import Client
from tests.unit.omniscope_client.conftest import TOKEN, Canned

RUN = messages.Run(
    run_id="R1",
    experiment="default",
    name="tissues-automl",
    state=JOB_STATE_SUCCEEDED,
    metrics={"test_accuracy": 0.97, "test_brier": 0.1, "test_f1": 0.9, "train_loss": 0.2},
    parameters={"time_limit": "60"},
    mlflow_run_id="abc",
)


@pytest.fixture
def canned() -> Canned:
    values = [messages.MetricValue(value=0.5, step=0, attempt=1), messages.MetricValue(value=0.7)]
    return Canned(
        {
            "ListExperiments": messages.ListExperimentsResponse(
                experiments=[messages.Experiment(name="default", run_count=2)]
            ),
            "GetExperiment": messages.Experiment(name="default", run_count=2),
            "ListRuns": messages.ListRunsResponse(runs=[RUN]),
            "GetRun": RUN,
            "GetMetricHistory": messages.GetMetricHistoryResponse(values=values),
            "LogMetrics": messages.LogMetricsResponse(added_count=1),
        }
    )


@pytest.fixture
def address(canned: Canned) -> Iterator[str]:
    def answer(name: str):
        return lambda self, request, context: canned.answer(name, request, context)

    base = stubs.ExperimentServiceServicer
    methods = {name: answer(name) for name in canned.answers}
    server = grpc.server(ThreadPoolExecutor(max_workers=4))
    servicer = type("Experiments", (base,), methods)()
    stubs.add_ExperimentServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(grace=None).wait()


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (["list"], "default"),
        (["runs", "default"], "0.9700 accuracy"),
        (["run", "R1"], "time_limit"),
        (["metrics", "R1", "validation_accuracy"], "logged"),
        (["log", "R1", "site/auc=0.5", "other=1e-3"], "1 of 2 values are new."),
    ],
)
def test_commands_show_what_the_service_answers(omniscope, command, shown):
    outcome = omniscope("experiments", *command)

    assert outcome.code == 0, outcome.err
    assert shown in outcome.out


def test_json_has_the_field_names_of_the_api(omniscope):
    run = json.loads(omniscope("experiments", "run", "R1", "--json").out)
    history = json.loads(omniscope("experiments", "metrics", "R1", "auc", "--json").out)

    assert (run["run_id"], run["mlflow_run_id"]) == ("R1", "abc")
    assert [value["value"] for value in history["values"]] == [0.5, 0.7]


def test_requests_carry_what_was_asked_for(address, canned):
    with Client(address, TOKEN) as client:
        list(client.experiments.runs("default", 5, 'state = "failed"', order_by="create_time"))
        list(client.experiments.history("R1", "auc", 7))
        assert client.experiments.get("default").run_count == 2
        client.experiments.log("R1", [messages.LoggedMetric(key="auc", value=0.5, step=3)])

    (runs,) = canned.requests["ListRuns"]
    assert (runs.page_size, runs.filter, runs.order_by) == (5, 'state = "failed"', "create_time")
    assert canned.requests["GetMetricHistory"][0].page_size == 7
    assert canned.requests["LogMetrics"][0].metrics[0].step == 3


def test_a_run_of_a_regression_is_told_by_its_rmse(omniscope, canned):
    values = {"test_mae": 250.0, "test_r2": 0.8, "test_rmse": 310.0, "validation_loss": 0.1}
    canned.answers["ListRuns"] = messages.ListRunsResponse(
        runs=[messages.Run(run_id="R1", metrics=values)]
    )

    assert "310.0 rmse" in omniscope("experiments", "runs", "default").out


def test_values_of_epochs_are_counted_from_one(omniscope, canned):
    values = [messages.MetricValue(value=0.5, step=8 * n, epoch=n, attempt=1) for n in range(3)]
    canned.answers["GetMetricHistory"] = messages.GetMetricHistoryResponse(values=values)

    lines = omniscope("experiments", "metrics", "R1", "validation_loss").out.splitlines()

    assert lines[0].split() == ["step", "epoch", "value", "attempt", "when"]
    assert [line.split()[:2] for line in lines[2:]] == [["0", "1"], ["8", "2"], ["16", "3"]]


def test_a_metric_that_a_run_lacks_is_an_error_that_names_those_it_has(omniscope, canned):
    canned.answers["GetMetricHistory"] = messages.GetMetricHistoryResponse()

    outcome = omniscope("experiments", "metrics", "R1", "loss")

    assert (outcome.code, outcome.out) == (1, "")
    assert "no metric 'loss'; it has test_accuracy, test_brier" in outcome.err
    assert "METRIC_NOT_FOUND" in outcome.err


@pytest.mark.parametrize("value", ["auc", "auc=high"])
def test_a_value_that_is_no_number_is_wrong_usage(omniscope, value):
    outcome = omniscope("experiments", "log", "R1", value)

    assert outcome.code == 2
    assert "KEY=NUMBER" in outcome.err
