"""The whole road over real processes: upload, train, watch, results, MLflow, download, delete."""

import io
import tarfile
import time
from pathlib import Path
from typing import Any

import grpc
import mlflow
import pytest

from omniscope.automl.v1 import automl_service_pb2, automl_service_pb2_grpc
from omniscope.common.v1 import job_event_pb2, job_pb2
from omniscope.registry.v1 import (
    dataset_service_pb2,
    dataset_service_pb2_grpc,
    model_service_pb2,
    model_service_pb2_grpc,
)
from tests.e2e.conftest import DATA, RestSession, RunningSuite


def upload_chunks(path: Path, name: str):
    data = path.read_bytes()
    for start in range(0, len(data), 256 * 1024):
        request = dataset_service_pb2.UploadDatasetRequest()
        if start == 0:
            request.name, request.format = name, "csv"
        request.data.data = data[start : start + 256 * 1024]
        yield request


@pytest.mark.parametrize("families", [["LR"], pytest.param(["LR", "GBM"], marks=pytest.mark.slow)])
def test_gene_expression_is_trained_watched_and_registered_over_grpc(
    suite: RunningSuite, channel: grpc.Channel, credentials, families
):
    datasets = dataset_service_pb2_grpc.DatasetServiceStub(channel)
    automl = automl_service_pb2_grpc.AutoMLServiceStub(channel)
    models = model_service_pb2_grpc.ModelServiceStub(channel)

    name = f"tissues-{len(families)}"
    dataset = datasets.UploadDataset(
        upload_chunks(DATA / "tissue7.csv", name), metadata=credentials, timeout=60
    )
    assert (dataset.row_count, dataset.column_count) == (185, 502)
    assert list(dataset.likely_key_columns) == ["sample_id"]

    job = automl.Train(
        automl_service_pb2.TrainRequest(
            dataset_id=name,
            target_column="tissue",
            time_limit=60,
            included_model_families=families,
        ),
        metadata=credentials,
        timeout=30,
    )
    assert job.state == job_pb2.JOB_STATE_QUEUED
    assert any("sample_id" in warning for warning in job.warnings)

    events = list(
        automl.WatchTraining(
            job_event_pb2.WatchRequest(job_id=job.job_id), metadata=credentials, timeout=180
        )
    )
    assert events[0].HasField("snapshot")
    journal = [event.sequence for event in events[1:] if not event.HasField("heartbeat")]
    assert journal == list(range(1, len(journal) + 1))
    assert events[-1].state_changed.to_state == job_pb2.JOB_STATE_SUCCEEDED, events[-1]
    assert any(event.HasField("leaderboard_entry") for event in events)

    model_id = events[-1].state_changed.model_id
    results = models.GetModelResults(
        model_service_pb2.GetModelResultsRequest(model_id=model_id),
        metadata=credentials,
        timeout=30,
    )
    held_out = next(part for part in results.metrics if part.split == "test")
    assert held_out.rows == results.test_rows == 37
    assert held_out.values["accuracy"] >= 0.95
    assert len(results.classes) == 7
    assert results.leaderboard[0].score_validation >= results.leaderboard[-1].score_validation

    leaderboard = automl.GetLeaderboard(
        automl_service_pb2.GetLeaderboardRequest(job_id=job.job_id),
        metadata=credentials,
        timeout=30,
    )
    assert {entry.model for entry in leaderboard.entries} == {
        entry.model for entry in results.leaderboard
    }


def start_training(rest: RestSession, **fields: object) -> str:
    request = {
        "dataset_id": "penguins",
        "target_column": "species",
        "time_limit": 60,
        "included_model_families": ["LR"],
        **fields,
    }
    response = rest.post("/api/ml/automl/train", json=request)
    assert response.status_code == 200, response.text
    return str(response.json()["job_id"])


def wait_for_the_end(rest: RestSession, job_id: str) -> dict[str, Any]:
    rest.events(f"/api/ml/jobs/{job_id}/events")
    return dict(rest.get(f"/api/ml/jobs/{job_id}/status").json())


# MLflow's own store uses what SQLAlchemy 2.1 has deprecated.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_training_is_watched_by_server_sent_events_and_ends_in_mlflow(
    suite: RunningSuite, rest: RestSession, penguins: str, tmp_path: Path
):
    job_id = start_training(rest, model_name="birds", experiment="islands")

    events = rest.events(f"/api/ml/jobs/{job_id}/events")
    assert "snapshot" in events[0]
    assert events[-1]["state_changed"]["to_state"] == "JOB_STATE_SUCCEEDED", events[-1]

    status = rest.get(f"/api/ml/jobs/{job_id}/status").json()
    assert status["status"] == "succeeded"
    assert status["progress"] == 100
    model_id = status["model_id"]
    listed = rest.get("/api/ml/models/list", params={"filter": 'name = "birds"'}).json()["models"]
    assert [model["model_id"] for model in listed] == [model_id]
    results = rest.get(f"/api/ml/models/{model_id}/results").json()
    accuracy = next(part for part in results["metrics"] if part["split"] == "test")
    assert accuracy["values"]["accuracy"] >= 0.9
    curves = [curve["class_name"] for curve in results["roc_curves"]]
    assert curves == ["Adelie", "Chinstrap", "Gentoo", ""]

    run = mlflow_run(suite, job_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["target_column"] == "species"
    assert run.data.metrics["test_accuracy"] == accuracy["values"]["accuracy"]
    client = mlflow.MlflowClient(f"sqlite:///{suite.home}/mlflow.db")
    assert client.get_experiment(run.info.experiment_id).name == "islands"
    [version] = client.search_model_versions("name = 'birds'")
    assert version.run_id == run.info.run_id

    package = rest.get(f"/api/ml/models/{model_id}/download")
    with tarfile.open(fileobj=io.BytesIO(package.content)) as tar:
        tar.extractall(tmp_path, filter="data")
    assert (tmp_path / "manifest.json").exists()
    assert (tmp_path / "MLmodel").exists()
    plots = rest.get(f"/api/ml/models/{model_id}/download", params={"folder": "plots"})
    with tarfile.open(fileobj=io.BytesIO(plots.content)) as tar:
        assert {plot["path"] for plot in results["plots"]} < set(tar.getnames())
        assert "MLmodel" not in tar.getnames()

    assert rest.delete(f"/api/ml/models/{model_id}").status_code == 200
    gone = rest.get(f"/api/ml/models/{model_id}")
    assert gone.status_code == 404
    assert rest.delete(f"/api/ml/jobs/{job_id}").status_code == 200
    assert rest.get(f"/api/ml/jobs/{job_id}/status").status_code == 404


def mlflow_run(suite: RunningSuite, job_id: str):
    """The projected run; the projection follows the registry within seconds."""
    client = mlflow.MlflowClient(f"sqlite:///{suite.home}/mlflow.db")
    for _ in range(120):
        experiments = [experiment.experiment_id for experiment in client.search_experiments()]
        runs = client.search_runs(experiments, f"tags.`omniscope.job_id` = '{job_id}'")
        if runs and runs[0].info.status != "RUNNING" and client.search_model_versions():
            return runs[0]
        time.sleep(0.5)
    pytest.fail(f"job {job_id} never reached MLflow")


@pytest.mark.slow
def test_the_documented_rest_program_runs_as_printed(
    suite: RunningSuite, rest: RestSession, tmp_path: Path
):
    rows = [
        f"{i % 7},{(i * 3) % 11},{(i * 5) % 13},{'yes' if i % 7 > 3 else 'no'}" for i in range(80)
    ]
    table = "\n".join(["gene1,gene2,gene3,outcome", *rows]) + "\n"
    rest.post(
        "/api/ml/datasets", params={"name": "my_dataset", "format": "csv"}, data=table.encode()
    ).raise_for_status()

    response = rest.post(
        "/api/ml/automl/train",
        json={
            "dataset_id": "my_dataset",
            "target_column": "outcome",
            "feature_columns": ["gene1", "gene2", "gene3"],
            "problem_type": "classification",
            "time_limit": 600,
            "quality": "good_quality",
        },
    )
    job_id = response.json()["job_id"]
    status = rest.get(f"/api/ml/jobs/{job_id}/status").json()

    assert status["status"] in {"queued", "running"}
    assert 0 <= status["progress"] <= 100
    rest.post(f"/api/ml/jobs/{job_id}:cancel", json={}).raise_for_status()
    assert wait_for_the_end(rest, job_id)["status"] == "cancelled"


@pytest.mark.slow
def test_a_failing_training_says_why_and_the_worker_takes_the_next_job(
    rest: RestSession, penguins: str
):
    hopeless = start_training(
        rest,
        target_column="bill_length_mm",
        problem_type="regression",
        included_model_families=["KNN"],
        feature_columns=["island"],
    )
    next_job = start_training(rest)

    failed = wait_for_the_end(rest, hopeless)
    assert failed["status"] == "failed", failed
    assert failed["error"]["reason"]
    assert failed["error"]["message"]
    assert wait_for_the_end(rest, next_job)["status"] == "succeeded"
