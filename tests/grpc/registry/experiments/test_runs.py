"""Experiments and runs as the job system knows them."""

from datetime import UTC, datetime

import pytest

from omniscope.common.v1.job_pb2 import JOB_STATE_QUEUED, JOB_STATE_RUNNING
from omniscope.registry.v1 import experiment_service_pb2 as messages
from omniscope_registry.experiments import experiments_sql
from omniscope_service.errors import InvalidArgument, NotFound


def runs(experiment="default", **values):
    return messages.ListRunsRequest(experiment=experiment, **values)


def history(job, metric, **values):
    return messages.GetMetricHistoryRequest(run_id=job.id, metric=metric, **values)


async def test_experiments_are_listed_by_name_with_their_runs(stub, insert_job):
    for experiment in ("b", "a", "b", "c"):
        await insert_job(experiment=experiment)
    await insert_job(experiment="gone", deleted_at=datetime.now(UTC))
    await insert_job(experiment="bobs", owner="bob")

    first = await stub.ListExperiments(messages.ListExperimentsRequest(page_size=2))
    last = await stub.ListExperiments(
        messages.ListExperimentsRequest(page_size=2, page_token=first.next_page_token)
    )

    found = [(each.name, each.run_count) for each in (*first.experiments, *last.experiments)]
    assert found == [("a", 1), ("b", 2), ("c", 1)]
    assert last.next_page_token == ""
    one = await stub.GetExperiment(messages.GetExperimentRequest(experiment="b"))
    assert one == first.experiments[1]
    assert one.create_time.ToDatetime() < one.last_run_time.ToDatetime()


async def test_runs_are_counted_up_to_a_bound(stub, insert_job, monkeypatch):
    monkeypatch.setattr(experiments_sql, "COUNTED_RUNS", 2)
    for _ in range(3):
        await insert_job(experiment="e")

    (found,) = (await stub.ListExperiments(messages.ListExperimentsRequest())).experiments

    assert found.run_count == 2


async def test_the_last_value_is_that_of_the_newest_attempt_at_the_greatest_step(
    stub, insert_job, measure
):
    job = await insert_job(attempt=2)
    await measure(job, "loss", 3.0, 2.0, attempt=2)
    await measure(job, "loss", 9.0, 9.0, attempt=1)

    run = await stub.GetRun(messages.GetRunRequest(run_id=job.id))

    assert dict(run.metrics) == {"loss": 2.0}


@pytest.mark.parametrize("name", ["nothing", "bobs", "zero\0byte"])
async def test_an_experiment_without_runs_of_the_caller_does_not_exist(
    stub, insert_job, refused, name
):
    await insert_job(experiment="bobs", owner="bob")

    error = await refused(stub.GetExperiment(messages.GetExperimentRequest(experiment=name)))

    assert isinstance(error, NotFound)
    assert (error.reason, error.field) == ("EXPERIMENT_NOT_FOUND", "experiment")
    assert not (await stub.ListRuns(runs(name))).runs


async def test_the_runs_of_an_experiment_are_listed_newest_first(stub, insert_job):
    jobs = [await insert_job(experiment="e", model_name=name) for name in "abc"]
    await insert_job(experiment="other")

    first = await stub.ListRuns(runs("e", page_size=2))
    last = await stub.ListRuns(runs("e", page_size=2, page_token=first.next_page_token))

    listed = [*first.runs, *last.runs]
    assert [run.run_id for run in listed] == [job.id for job in reversed(jobs)]
    assert {run.state for run in listed} == {JOB_STATE_RUNNING}
    assert not any(run.parameters for run in listed)


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ({"filter": 'state = "queued"'}, ["b"]),
        ({"filter": 'tags.team = "birds" AND name != "a"'}, ["c"]),
        ({"order_by": "create_time"}, ["b", "a", "c"]),
    ],
)
async def test_runs_are_filtered_and_ordered(stub, insert_job, values, names):
    await insert_job(model_name="b", status="queued")
    await insert_job(model_name="a", tags={"team": "birds"})
    await insert_job(model_name="c", tags={"team": "birds"})

    assert [run.name for run in (await stub.ListRuns(runs(**values))).runs] == names


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"page_size": -1}, "PAGE_SIZE_INVALID"),
        ({"page_token": "x"}, "PAGE_TOKEN_MISMATCH"),
        ({"filter": 'owner = "bob"'}, "FILTER_INVALID"),
        ({"filter": 'state = "happy"'}, "FILTER_INVALID"),
        ({"order_by": "name"}, "ORDER_BY_INVALID"),
    ],
)
async def test_a_wrong_list_request_is_refused(stub, refused, values, reason):
    error = await refused(stub.ListRuns(runs(**values)))

    assert isinstance(error, InvalidArgument)
    assert error.reason == reason


async def test_a_run_has_parameters_and_the_last_values_of_its_metrics(stub, insert_job, measure):
    job = await insert_job(tags={"team": "birds"}, started_at=datetime.now(UTC))
    await measure(job, "accuracy", 0.5, 0.7, 0.6, split="validation")
    await measure(job, "accuracy", 0.8, split="train", attempt=2)
    await measure(job, "loss", 2.0, 1.0)

    run = await stub.GetRun(messages.GetRunRequest(run_id=job.id))

    assert (run.run_id, run.experiment, run.name) == (job.id, "default", job.model_name)
    assert dict(run.metrics) == {"validation_accuracy": 0.6, "train_accuracy": 0.8, "loss": 1.0}
    assert run.parameters["time_limit"] == "60"
    assert run.parameters["split.seed"] == "7"
    assert (run.attempt, dict(run.tags)) == (1, {"team": "birds"})
    assert run.HasField("start_time")
    assert not run.HasField("end_time")


async def test_a_queued_run_has_no_metrics(stub, insert_job):
    job = await insert_job(status="queued")

    run = await stub.GetRun(messages.GetRunRequest(run_id=job.id))

    assert (run.state, run.attempt, dict(run.metrics)) == (JOB_STATE_QUEUED, 0, {})


async def test_a_metrics_history_is_read_in_full_page_by_page(stub, insert_job, measure):
    job = await insert_job()
    await measure(job, "accuracy", 0.1, 0.2, split="validation")
    await measure(job, "accuracy", 0.9, split="train")
    await measure(job, "accuracy", 0.3, split="validation", attempt=2)

    values, token = [], ""
    while True:
        page = await stub.GetMetricHistory(
            history(job, "validation_accuracy", page_size=1, page_token=token)
        )
        values += page.values
        if not (token := page.next_page_token):
            break

    assert [(v.value, v.step, v.attempt) for v in values] == [
        (0.1, 0, 1),
        (0.2, 1, 1),
        (0.3, 0, 2),
    ]
    for metric in ("nothing", "zero\0byte"):
        assert not (await stub.GetMetricHistory(history(job, metric))).values


async def test_a_token_of_one_metric_is_worth_nothing_for_another(
    stub, insert_job, measure, refused
):
    job = await insert_job()
    await measure(job, "a", 1.0, 2.0)
    token = (await stub.GetMetricHistory(history(job, "a", page_size=1))).next_page_token

    error = await refused(stub.GetMetricHistory(history(job, "b", page_token=token)))

    assert error.reason == "PAGE_TOKEN_MISMATCH"


async def test_somebody_elses_run_does_not_exist(stub_of_bob, insert_job, refused):
    job = await insert_job()

    for call in calls(stub_of_bob, job.id):
        assert (await refused(call)).reason == "RUN_NOT_FOUND"
    assert not (await stub_of_bob.ListRuns(runs())).runs
    listed = await stub_of_bob.ListExperiments(messages.ListExperimentsRequest())
    assert not listed.experiments


@pytest.mark.parametrize("run_id", ["nothing", "zero\0byte", "01JVNKN0WNRVNXXXXXXXXXXXXX"])
async def test_an_unknown_run_is_not_found(stub, refused, run_id):
    for call in calls(stub, run_id):
        error = await refused(call)
        assert isinstance(error, NotFound)
        assert (error.reason, error.field) == ("RUN_NOT_FOUND", "run_id")


def calls(stub, run_id):
    yield stub.GetRun(messages.GetRunRequest(run_id=run_id))
    yield stub.GetMetricHistory(messages.GetMetricHistoryRequest(run_id=run_id, metric="a"))
    point = messages.LoggedMetric(key="a", value=1)
    yield stub.LogMetrics(messages.LogMetricsRequest(run_id=run_id, metrics=[point]))
