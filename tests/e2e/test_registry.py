"""Names, aliases, experiments and damaged packages, over the real processes of a suite."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import RestSession, RunningSuite

# The registry's own tests have all of it but the processes.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def versions(suite: RunningSuite, rest: RestSession, penguins: str) -> list[dict[str, Any]]:
    """Two versions of one model."""
    return [train(rest, seed) for seed in (1, 2)]


def train(rest: RestSession, seed: int) -> dict[str, Any]:
    request = {
        "dataset_id": "penguins",
        "target_column": "species",
        "time_limit": 60,
        "included_model_families": ["LR"],
        "seed": seed,
        "model_name": "named-birds",
        "experiment": "named",
    }
    job = rest.post("/api/ml/automl/train", json=request).json()
    rest.get(f"/api/ml/jobs/{job['job_id']}/events", timeout=120)
    status = rest.get(f"/api/ml/jobs/{job['job_id']}/status").json()
    assert status["status"] == "succeeded", status
    return dict(rest.get(f"/api/ml/models/{status['model_id']}").json())


def reason_of(response) -> tuple[int, str]:
    details = response.json()["details"]
    return response.status_code, next(d["reason"] for d in details if "reason" in d)


def test_an_alias_is_moved_only_by_who_knows_where_it_points(
    suite: RunningSuite, rest: RestSession, versions: list[dict[str, Any]]
):
    first, second = versions
    made = suite.omniscope("models", "alias", "named-birds@1", "champion", "--json")
    etag = json.loads(made.stdout)["etag"]
    path = f"/api/ml/models/{second['model_id']}/aliases/champion"

    assert reason_of(rest.put(path, json={})) == (409, "ETAG_MISMATCH")
    assert reason_of(rest.delete(f"/api/ml/models/{first['model_id']}")) == (400, "MODEL_IN_USE")
    moved = rest.put(path, json={"etag": etag}).json()

    assert moved["version"] == 2
    shown = suite.omniscope("models", "show", "named-birds@champion", "--json")
    assert json.loads(shown.stdout)["model_id"] == second["model_id"]
    assert "@champion 2" in suite.omniscope("models", "versions", "named-birds").stdout


def test_a_model_is_described_deleted_and_brought_back(
    suite: RunningSuite, rest: RestSession, versions: list[dict[str, Any]]
):
    path = f"/api/ml/models/{versions[0]['model_id']}"
    params = {"update_mask": "tags"}
    changed = rest.patch(path, params=params, json={"tags": {"stage": "old"}}).json()
    assert changed["tags"] == {"stage": "old"}
    listed = rest.get("/api/ml/models/list", params={"filter": 'tags.stage = "old"'}).json()
    assert [model["model_id"] for model in listed["models"]] == [versions[0]["model_id"]]

    assert rest.delete(path).status_code == 200
    assert rest.get(path).status_code == 404
    back = suite.omniscope("models", "undelete", "named-birds@1")

    assert back.returncode == 0, back.stderr
    assert rest.get(path).json()["tags"] == {"stage": "old"}


def test_runs_of_an_experiment_are_read_and_take_own_metrics(
    suite: RunningSuite, rest: RestSession, versions: list[dict[str, Any]]
):
    run_id = versions[0]["job_id"]
    logged = suite.omniscope("experiments", "log", run_id, "site/auc=0.5", "--step", "3")
    assert logged.stdout == "1 of 1 values are new.\n", logged.stderr

    listed = rest.get("/api/ml/experiments/named/runs").json()["runs"]
    run = rest.get(f"/api/ml/runs/{run_id}").json()
    history = rest.get(f"/api/ml/runs/{run_id}/metrics", params={"metric": "site/auc"}).json()

    assert [each["run_id"] for each in listed] == [model["job_id"] for model in versions[::-1]]
    assert run["parameters"]["target_column"] == "species"
    assert run["metrics"]["test_accuracy"] == versions[0]["metrics"]["accuracy"]
    assert run["metrics"]["site/auc"] == 0.5
    assert [(value["value"], value["step"]) for value in history["values"]] == [(0.5, 3)]
    assert "named" in suite.omniscope("experiments", "list").stdout
    assert mlflow_run_of(rest, run_id)


def mlflow_run_of(rest: RestSession, run_id: str) -> str:
    for _ in range(120):
        if found := rest.get(f"/api/ml/runs/{run_id}").json()["mlflow_run_id"]:
            return str(found)
        time.sleep(0.5)
    pytest.fail(f"run {run_id} never reached MLflow")


def test_a_package_with_one_changed_byte_is_not_handed_out(
    suite: RunningSuite, versions: list[dict[str, Any]], tmp_path: Path
):
    stored = suite.home / "artifacts" / versions[0]["artifacts_path"] / "predictions.arrow"
    original = stored.read_bytes()
    target = tmp_path / "model"
    stored.write_bytes(original[:-1] + bytes([original[-1] ^ 1]))

    refused = suite.omniscope("models", "download", "named-birds@1", str(target), "--json")
    stored.write_bytes(original)

    error = json.loads(refused.stderr)["error"]
    assert (refused.returncode, error["code"], error["reason"]) == (
        1, "DATA_LOSS", "PACKAGE_CORRUPT"
    )  # fmt: skip
    assert not target.exists()
    sound = suite.omniscope("models", "download", "named-birds@1", str(target))
    assert sound.returncode == 0, sound.stderr
