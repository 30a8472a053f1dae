"""A service that nothing of the suite knows: installed beside it, it works like the others.

It is `tests/samples/echo`, as pip would install it, in a suite of its own.
"""

import io
import json
import signal
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from tests.e2e.conftest import PROJECT, RestSession, RunningSuite, running_suite, upload_penguins
from tests.e2e.registered_model import register_model
from tests.faults.packages import broken_package
from tests.samples.distribution import install

SERVICE = "omniscope_echo.v1.EchoService"
FIRST_ROW = {
    "island": "Torgersen",
    "bill_length_mm": 39.1,
    "bill_depth_mm": 18.7,
    "flipper_length_mm": 181,
    "body_mass_g": 3750,
    "sex": "male",
    "species": "Adelie",
}
# Long enough to be met while it runs.
SLOW = {"rows": 30, "seconds_per_row": 0.2}
FIRST_CHECKPOINT = 100 / 30


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSuite]:
    site = tmp_path_factory.mktemp("site")
    install(PROJECT / "tests" / "samples" / "echo", site)
    with running_suite(tmp_path_factory.mktemp("suite"), site) as suite:
        yield suite


@pytest.fixture(scope="module")
def rest(suite: RunningSuite) -> Iterator[RestSession]:
    with RestSession(f"http://{suite.gateway}", suite.token) as session:
        yield session


@pytest.fixture(scope="module")
def birds(suite: RunningSuite, rest: RestSession) -> dict[str, str]:
    """The dataset `penguins` and the model `birds`, by their ids."""
    dataset_id = upload_penguins(rest)
    model_id = register_model(suite, dataset_id, "birds")
    return {"dataset_id": dataset_id, "model_id": model_id}


def start(rest: RestSession, **options: Any) -> str:
    request = {"dataset_id": "penguins", "model_id": "birds", **options}
    response = rest.post("/api/ml/echo", json=request)
    assert response.status_code == 200, response.text
    return str(response.json()["job_id"])


def status_of(rest: RestSession, job_id: str) -> dict[str, Any]:
    return dict(rest.get(f"/api/ml/jobs/{job_id}/status").json())


def wait_for_a_checkpoint(rest: RestSession, job_id: str) -> None:
    while status_of(rest, job_id)["progress"] <= FIRST_CHECKPOINT:
        time.sleep(0.05)


def end_of(rest: RestSession, job_id: str) -> dict[str, Any]:
    """The last event of a job, which is watched where a killed service does not interrupt it."""
    return dict(rest.events(f"/api/ml/jobs/{job_id}/events")[-1]["state_changed"])


def echo_of(rest: RestSession, artifact_id: str) -> dict[str, Any]:
    package = rest.get(f"/api/ml/artifacts/{artifact_id}/download")
    with tarfile.open(fileobj=io.BytesIO(package.content)) as tar:
        content = tar.extractfile("echo.json")
        assert content is not None
        return dict(json.load(content))


def reason_of(response: requests.Response) -> dict[str, Any]:
    return dict(response.json()["details"][0])


def test_it_is_started_by_rest_watched_and_leaves_an_artifact(
    suite: RunningSuite, rest: RestSession, birds: dict[str, str]
):
    job_id = start(rest, message="hello", rows=2)

    events = rest.events(f"/api/ml/echo/jobs/{job_id}/events")
    end = events[-1]["state_changed"]
    assert end["to_state"] == "JOB_STATE_SUCCEEDED", end
    assert [event["progress"]["percent"] for event in events if "progress" in event] == [50, 100]
    assert status_of(rest, job_id)["artifact_id"] == end["artifact_id"]
    artifact = rest.get(f"/api/ml/artifacts/{end['artifact_id']}").json()
    assert (artifact["kind"], artifact["job_id"]) == ("echo", job_id)
    assert artifact["inputs"] == [
        {"role": "repeated", "dataset_id": birds["dataset_id"]},
        {"role": "named", "model_id": birds["model_id"]},
    ]
    echo = echo_of(rest, end["artifact_id"])
    assert (echo["message"], echo["model"]["name"]) == ("hello", "birds")
    assert len(echo["rows"]) == 2
    assert echo["rows"][0] == pytest.approx(FIRST_ROW)
    assert echo["rows_of_earlier_attempts"] == 0


@pytest.mark.slow
def test_the_suite_shows_its_process_among_the_others(suite: RunningSuite):
    shown = suite.omniscope("status", "--json")

    assert shown.returncode == 0, shown.stderr
    processes = {found["name"]: found["state"] for found in json.loads(shown.stdout)["processes"]}
    assert processes["echo"] == "serving"
    assert suite.state["echo"]["description"] == "rows, repeated"


@pytest.mark.slow
def test_reflection_lists_describes_and_calls_it(suite: RunningSuite, birds: dict[str, str]):
    assert SERVICE in suite.grpcurl("list").split()
    assert "rpc WatchEcho" in suite.grpcurl(f"describe {SERVICE}")
    assert "seconds_per_row" in suite.grpcurl("describe omniscope_echo.v1.EchoRequest")

    job = json.loads(suite.grpcurl(f"{SERVICE}/Echo", birds))
    watched = suite.grpcurl(f"{SERVICE}/WatchEcho", {"job_id": job["job_id"]})

    assert job["config"]["@type"] == "type.googleapis.com/omniscope_echo.v1.EchoRequest"
    assert job["config"]["rows"] == 3
    assert '"to_state": "JOB_STATE_SUCCEEDED"' in watched


@pytest.mark.slow
def test_its_commands_are_a_group_of_the_command_line(
    suite: RunningSuite, birds: dict[str, str], tmp_path: Path
):
    def printed(*arguments: str) -> str:
        finished = suite.omniscope(*arguments)
        assert finished.returncode == 0, finished.stdout + finished.stderr
        return finished.stdout

    assert "Rows, repeated." in printed("--help")

    shown = printed("echo", "start", "penguins", "birds", "--rows", "1", "--watch")
    assert "succeeded: The artifact is stored." in shown
    newest = json.loads(printed("artifacts", "list", "--limit", "1", "--json"))["artifacts"][0]
    artifact_id = newest["artifact_id"]
    assert artifact_id in shown
    assert birds["model_id"] in printed("artifacts", "show", artifact_id)
    assert newest["job_id"] in printed("jobs", "list")
    assert "omniscope_echo.v1.EchoRequest" in printed("jobs", "show", newest["job_id"], "--json")

    folder = tmp_path / "echo"
    printed("artifacts", "download", artifact_id, str(folder))
    public_key = (folder / "registry.pub").read_bytes()
    assert list(broken_package(folder, newest["manifest_digest"], public_key)) == []
    assert json.loads((folder / "echo.json").read_text())["model"]["name"] == "birds"

    printed("artifacts", "delete", artifact_id)
    assert suite.omniscope("artifacts", "show", artifact_id).returncode == 1
    printed("artifacts", "undelete", artifact_id)
    assert artifact_id in printed("artifacts", "list")


@pytest.mark.slow
def test_a_model_is_traced_to_its_data_and_to_what_was_made_of_it(
    suite: RunningSuite, rest: RestSession, birds: dict[str, str]
):
    artifact_id = end_of(rest, start(rest, rows=1))["artifact_id"]

    lineage = rest.get("/api/ml/models/birds/lineage").json()
    drawn = suite.omniscope("models", "lineage", "birds")

    edges = {(edge["role"], edge["input_id"], edge["output_id"]) for edge in lineage["edges"]}
    assert ("training", birds["dataset_id"], birds["model_id"]) in edges
    assert ("named", birds["model_id"], artifact_id) in edges
    assert f"training: penguins (version 1), dataset {birds['dataset_id']}" in drawn.stdout
    assert f"named: echo {artifact_id}" in drawn.stdout


@pytest.mark.slow
def test_a_request_is_checked_and_nothing_started(
    suite: RunningSuite, rest: RestSession, birds: dict[str, str]
):
    before = rest.get("/api/ml/jobs").json()["jobs"]

    checked = suite.omniscope("echo", "start", "penguins", "birds", "--validate-only", "--json")
    too_many = rest.post("/api/ml/echo", json={**birds, "rows": 1001})
    unknown = rest.post("/api/ml/echo", json={**birds, "model_id": "nobody"})

    assert json.loads(checked.stdout)["job_id"] == ""
    assert "rows is 1001; it must be from 1 to 1000" in too_many.json()["message"]
    assert (unknown.status_code, reason_of(unknown)["reason"]) == (404, "MODEL_NOT_FOUND")
    assert rest.get("/api/ml/jobs").json()["jobs"] == before


@pytest.mark.slow
def test_a_call_without_a_token_is_refused(suite: RunningSuite, birds: dict[str, str]):
    with RestSession(f"http://{suite.gateway}", None) as stranger:
        response = stranger.post("/api/ml/echo", json=birds)

    assert response.status_code == 401, response.text


@pytest.mark.slow
def test_what_a_running_job_reads_cannot_be_deleted_and_a_cancelled_one_ends(
    rest: RestSession, birds: dict[str, str]
):
    job_id = start(rest, **SLOW)

    for path in (f"datasets/{birds['dataset_id']}", f"models/{birds['model_id']}"):
        refused = rest.delete(f"/api/ml/{path}")
        assert refused.status_code == 400, refused.text
        assert reason_of(refused)["reason"] == f"{path[: path.index('/') - 1].upper()}_IN_USE"
        assert reason_of(refused)["metadata"]["job_id"] == job_id

    rest.post(f"/api/ml/jobs/{job_id}:cancel", json={}).raise_for_status()
    assert end_of(rest, job_id)["to_state"] == "JOB_STATE_CANCELLED"


def kill_child(worker: psutil.Process) -> None:
    family = {process: process.cmdline() for process in worker.children(recursive=True)}
    [child] = [
        p for p, line in family.items() if line[1:3] == ["-m", "omniscope_service.jobs.child"]
    ]
    child.send_signal(signal.SIGKILL)


def kill_worker(worker: psutil.Process) -> None:
    worker.send_signal(signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.parametrize("kill", [kill_child, kill_worker])
def test_a_job_whose_process_is_killed_goes_on_from_its_checkpoint(
    suite: RunningSuite,
    rest: RestSession,
    birds: dict[str, str],
    kill: Callable[[psutil.Process], None],
):
    job_id = start(rest, **SLOW)
    wait_for_a_checkpoint(rest, job_id)

    kill(psutil.Process(int(str(suite.state["echo"]["pid"]))))

    end = end_of(rest, job_id)
    assert end["to_state"] == "JOB_STATE_SUCCEEDED", end
    echo = echo_of(rest, end["artifact_id"])
    assert echo["attempt"] == 2
    assert 0 < echo["rows_of_earlier_attempts"] < 30
    assert len(echo["rows"]) == 30
