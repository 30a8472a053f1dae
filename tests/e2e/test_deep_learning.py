"""A network over real processes: by REST and by command line, to a package that MLflow opens."""

import io
import tarfile
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest

from omniscope_ml.pyfunc import _load_pyfunc
from tests.e2e.conftest import DATA, RestSession, RunningSuite
from tests.plain_mlflow import plain_mlflow

REQUEST = {
    "dataset_id": "penguins",
    "target_column": "species",
    "mlp": {"width": 32},
    "training": {"epochs": 15},
    "seed": 3,
}


def predictions_outside(package: Path, folder: Path) -> pd.DataFrame:
    """Return what plain MLflow predicts for all penguins; the same as the suite's own loader."""
    rows = pd.read_csv(DATA / "penguins.csv")
    rows.to_parquet(folder / "rows")

    ended = plain_mlflow(package, folder)

    assert ended.returncode == 0, ended.stderr
    answer = pd.read_parquet(folder / "answer")
    pd.testing.assert_frame_equal(answer, _load_pyfunc(str(package)).predict(rows))
    return answer.assign(species=rows["species"])


def test_a_network_is_trained_by_rest_and_opened_by_plain_mlflow(
    rest: RestSession, penguins: str, tmp_path: Path
):
    known = rest.get("/api/ml/deep-learning/architectures").json()["architectures"]
    assert "mlp" in {architecture["name"] for architecture in known}
    response = rest.post("/api/ml/deep-learning/train", json=REQUEST)
    assert response.status_code == 200, response.text
    job = response.json()
    assert job["config"]["training"]["schedule"] == "cosine"

    events = rest.events(f"/api/ml/jobs/{job['job_id']}/events")

    assert events[-1]["state_changed"]["to_state"] == "JOB_STATE_SUCCEEDED", events[-1]
    metrics = [event["metric"] for event in events if "metric" in event]
    validated = [m for m in metrics if (m["name"], m["split"]) == ("loss", "validation")]
    assert validated[-1]["value"] < validated[0]["value"]
    model_id = events[-1]["state_changed"]["model_id"]
    results = rest.get(f"/api/ml/models/{model_id}/results").json()
    held_out = next(part for part in results["metrics"] if part["split"] == "test")
    assert held_out["values"]["accuracy"] > 0.9
    assert results["settings"]["optimizer"] == "adamw"
    assert results["ending"].endswith("of 15: all epochs are done")
    package = rest.get(f"/api/ml/models/{model_id}/download")
    with tarfile.open(fileobj=io.BytesIO(package.content)) as tar:
        tar.extractall(tmp_path / "package", filter="data")
    predicted = predictions_outside(tmp_path / "package", tmp_path)
    assert (predicted["prediction"] == predicted["species"]).mean() > 0.9


@pytest.mark.slow
def test_a_network_is_trained_and_downloaded_from_the_command_line(
    suite: RunningSuite, penguins: str, tmp_path: Path
):
    trained = suite.omniscope(
        *("deeplearning", "train", penguins, "--target", "species", "--architecture", "mlp"),
        *("--set", "width=32", "--epochs", "15", "--name", "flippers", "--watch"),
    )
    downloaded = suite.omniscope("models", "download", "flippers", str(tmp_path / "package"))

    assert trained.returncode == 0, trained.stdout + trained.stderr
    assert "loss" in trained.stdout
    assert "test (69 rows)" in trained.stdout
    assert downloaded.returncode == 0, downloaded.stdout + downloaded.stderr
    predicted = predictions_outside(tmp_path / "package", tmp_path)
    assert (predicted["prediction"] == predicted["species"]).mean() > 0.9


def train_with_two_processes(rest: RestSession, epochs: int) -> str:
    training = {"epochs": epochs, "patience": 0, "batch_size": 64}
    request = {**REQUEST, "training": training, "resources": {"accelerator": "cpu", "devices": 2}}
    response = rest.post("/api/ml/deep-learning/train", json=request)
    assert response.status_code == 200, response.text
    return str(response.json()["job_id"])


def ranks_of(suite: RunningSuite) -> list[psutil.Process]:
    """Return the processes that share a training with its first one."""
    pid = int(str(suite.state["deeplearning"]["pid"]))
    below = psutil.Process(pid).children(recursive=True)
    return [process for process in below if "omniscope_deeplearning.ranks" in process.cmdline()]


@pytest.mark.slow
def test_two_processes_train_a_network_together(rest: RestSession, penguins: str):
    job_id = train_with_two_processes(rest, epochs=15)

    events = rest.events(f"/api/ml/jobs/{job_id}/events")

    assert events[-1]["state_changed"]["to_state"] == "JOB_STATE_SUCCEEDED", events[-1]
    model_id = events[-1]["state_changed"]["model_id"]
    results = rest.get(f"/api/ml/models/{model_id}/results").json()
    held_out = next(part for part in results["metrics"] if part["split"] == "test")
    assert held_out["values"]["accuracy"] > 0.9


@pytest.mark.slow
def test_a_cancel_ends_both_processes_and_a_checkpoint_is_left(
    suite: RunningSuite, rest: RestSession, penguins: str
):
    job_id = train_with_two_processes(rest, epochs=100_000)
    while "epoch" not in rest.get(f"/api/ml/jobs/{job_id}/status").json()["message"]:
        time.sleep(0.1)
    assert len(ranks_of(suite)) == 1

    rest.post(f"/api/ml/jobs/{job_id}:cancel", json={}).raise_for_status()

    events = rest.events(f"/api/ml/jobs/{job_id}/events")
    assert events[-1]["state_changed"]["to_state"] == "JOB_STATE_CANCELLED", events[-1]
    assert any("checkpoint" in event for event in events)
    assert ranks_of(suite) == []


def test_what_cannot_be_trained_is_refused_with_its_field_by_rest(
    rest: RestSession, penguins: str
):
    bad = {**REQUEST, "mlp": {"width": 1}}

    response = rest.post("/api/ml/deep-learning/train", json=bad)

    assert response.status_code == 400
    assert "mlp.width is 1" in response.json()["message"]
