"""Calls by REST: paths, JSON as clients see it, streams, uploads, refusals."""

import hashlib
import json
import os
from collections.abc import Iterator

import grpc
import pytest
import requests
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from omniscope.automl.v1 import automl_service_pb2, automl_service_pb2_grpc
from tests.integration.gateway.conftest import Gateway
from tests.integration.gateway.upstream import JOB_ID, MODEL_BYTES

GOOD = {"dataset_id": "my_dataset", "target_column": "outcome"}


def refusal(response: requests.Response) -> tuple[int, str]:
    body = response.json()
    reasons = [detail["reason"] for detail in body["details"] if "reason" in detail]
    return response.status_code, reasons[0]


def test_the_documented_program_runs(gateway: Gateway, rest: requests.Session):
    response = rest.post(
        f"{gateway.url}/api/ml/automl/train",
        json={
            **GOOD,
            "feature_columns": ["gene1", "gene2", "gene3"],
            "problem_type": "classification",
            "time_limit": 600,
            "quality": "good_quality",
        },
    )
    job_id = response.json()["job_id"]
    status = rest.get(f"{gateway.url}/api/ml/jobs/{job_id}/status").json()

    assert f"Status: {status['status']}, Progress: {status['progress']}%" == (
        "Status: queued, Progress: 0%"
    )


def test_answers_keep_proto_names_and_print_zeros(gateway: Gateway, rest: requests.Session):
    status = rest.get(f"{gateway.url}/api/ml/jobs/{JOB_ID}/status").json()

    assert status == {
        "job_id": JOB_ID,
        "status": "queued",
        "progress": 0,
        "message": "",
        "model_id": "",
        "artifact_id": "",
        "attempt": 0,
        "stopped_early": False,
    }


def test_a_network_and_its_layout_are_typed_messages(gateway: Gateway, rest: requests.Session):
    network = {"lstm": {"bidirectional": False}}
    layout = {"sequence": {"steps": 10, "channels": 3}}

    job = rest.post(
        f"{gateway.url}/api/ml/deep-learning/train",
        json={**GOOD, **network, "input_layout": layout, "training": {"optimizer": "sgd"}},
    ).json()

    config = job["config"]
    assert config["@type"] == "type.googleapis.com/omniscope.deeplearning.v1.TrainRequest"
    assert config["lstm"]["bidirectional"] is False
    assert config["input_layout"]["sequence"]["steps"] == 10
    assert config["training"]["optimizer"] == "sgd"


def test_a_configuration_comes_back_typed(gateway: Gateway, rest: requests.Session):
    job = rest.post(f"{gateway.url}/api/ml/automl/train", json=GOOD).json()

    assert job["config"]["@type"] == "type.googleapis.com/omniscope.automl.v1.TrainRequest"
    assert job["config"]["target_column"] == "outcome"


def test_a_refusal_is_the_same_by_rest_and_by_grpc(
    gateway: Gateway, rest: requests.Session, channel: grpc.Channel
):
    by_rest = rest.post(
        f"{gateway.url}/api/ml/automl/train", json={**GOOD, "target_column": "missing"}
    )
    with pytest.raises(grpc.RpcError) as refused:
        automl_service_pb2_grpc.AutoMLServiceStub(channel).Train(
            automl_service_pb2.TrainRequest(dataset_id="my_dataset", target_column="missing"),
            metadata=gateway.credentials,
        )

    status = rpc_status.from_call(refused.value)  # type: ignore[arg-type]
    assert status is not None
    info, bad_request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(bad_request)
    body = by_rest.json()
    details = {detail["@type"].rpartition(".")[2]: detail for detail in body["details"]}
    assert by_rest.status_code == 400
    assert (body["code"], body["message"]) == (status.code, status.message)
    assert details["ErrorInfo"]["reason"] == info.reason == "COLUMN_NOT_FOUND"
    (violation,) = bad_request.field_violations
    assert details["BadRequest"]["field_violations"][0]["field"] == violation.field
    assert violation.field == "target_column"


def test_what_does_not_exist_is_404(gateway: Gateway, rest: requests.Session):
    for path in ("jobs/none", "jobs/none/status", "jobs/none/events", "automl/jobs/none/events"):
        assert refusal(rest.get(f"{gateway.url}/api/ml/{path}")) == (404, "JOB_NOT_FOUND")


@pytest.mark.parametrize("path", ["jobs", "automl/jobs", "deep-learning/jobs"])
def test_events_come_as_server_sent_events(gateway: Gateway, rest: requests.Session, path: str):
    response = rest.get(f"{gateway.url}/api/ml/{path}/{JOB_ID}/events", stream=True)

    events = [json.loads(line[6:]) for line in response.iter_lines() if line]
    assert response.headers["content-type"] == "text/event-stream"
    assert [event["sequence"] for event in events] == [1, 2, 3]
    assert events[0]["snapshot"]["job_id"] == JOB_ID
    assert events[1]["progress"]["percent"] == 0
    assert events[2]["state_changed"]["to_state"] == "JOB_STATE_SUCCEEDED"


def test_enums_in_queries_are_read_in_either_case(gateway: Gateway, rest: requests.Session):
    journal = rest.get(
        f"{gateway.url}/api/ml/jobs/{JOB_ID}/journal",
        params={"event_types": ["job_event_type_progress", "JOB_EVENT_TYPE_METRIC"]},
    ).json()

    assert journal["events"][0]["log_line"]["text"] == (
        "JOB_EVENT_TYPE_PROGRESS,JOB_EVENT_TYPE_METRIC"
    )


def test_a_large_file_is_uploaded_in_small_messages(gateway: Gateway, rest: requests.Session):
    data = os.urandom(20_000_000)

    dataset = rest.post(
        f"{gateway.url}/api/ml/datasets", params={"name": "genes", "format": "csv"}, data=data
    ).json()

    assert (dataset["name"], dataset["source_format"]) == ("genes", "csv")
    assert dataset["source_digest"] == hashlib.sha256(data).hexdigest()
    assert dataset["size_bytes"] == "20000000"
    largest_message = int(dataset["description"])
    assert largest_message < 4 * 1024 * 1024


def test_the_registry_learns_the_content_type_and_can_refuse_forms(
    gateway: Gateway, rest: requests.Session
):
    dataset = rest.post(
        f"{gateway.url}/api/ml/datasets",
        params={"name": "genes", "format": "csv"},
        files={"file": ("genes.csv", b"a,b\n1,2\n")},
    ).json()

    assert dataset["created_by"].startswith("multipart/form-data")


def test_a_file_of_unknown_length_is_uploaded(gateway: Gateway, rest: requests.Session):
    def pieces() -> Iterator[bytes]:
        yield from (bytes([number]) * 1000 for number in range(100))

    dataset = rest.post(
        f"{gateway.url}/api/ml/datasets", params={"name": "a", "format": "csv"}, data=pieces()
    ).json()

    assert dataset["source_digest"] == hashlib.sha256(b"".join(pieces())).hexdigest()


@pytest.mark.parametrize("written", ["two%20words", "two+words"])
def test_spaces_in_queries_are_read_however_they_are_written(
    gateway: Gateway, rest: requests.Session, written: str
):
    dataset = rest.post(f"{gateway.url}/api/ml/datasets?name={written}&format=csv", data=b"x")

    assert dataset.json()["name"] == "two words"


def test_an_empty_file_reaches_the_service(gateway: Gateway, rest: requests.Session):
    dataset = rest.post(
        f"{gateway.url}/api/ml/datasets", params={"name": "empty", "format": "csv"}, data=b""
    ).json()

    assert (dataset["name"], dataset["size_bytes"]) == ("empty", "0")


def test_a_model_is_downloaded_as_it_is(gateway: Gateway, rest: requests.Session):
    response = rest.get(f"{gateway.url}/api/ml/models/any/download")

    assert response.headers["content-type"] == "application/x-tar"
    assert response.content == MODEL_BYTES


def test_bodies_of_some_megabytes_pass_both_ways(gateway: Gateway, rest: requests.Session):
    sent = rest.post(
        f"{gateway.url}/api/ml/automl/train", json={**GOOD, "description": "x" * 3_000_000}
    )
    received = rest.get(f"{gateway.url}/api/ml/datasets/wide")

    assert sent.json()["description"] == "3000000"
    assert len(received.json()["description"]) == 3_000_000


def test_larger_bodies_are_refused_before_a_service_sees_them(
    gateway: Gateway, rest: requests.Session
):
    response = rest.post(f"{gateway.url}/api/ml/automl/train", data=b" " * (8 * 1024 * 1024 + 1))

    assert refusal(response) == (413, "REQUEST_TOO_LARGE")


@pytest.mark.parametrize(
    "body", ["{bad", "[1]", '{"time_limit": "soon"}', '{"split": {"strategy": "SOMEHOW"}}']
)
def test_what_is_no_request_is_refused(gateway: Gateway, rest: requests.Session, body: str):
    response = rest.post(f"{gateway.url}/api/ml/automl/train", data=body)

    assert refusal(response) == (400, "REQUEST_MALFORMED")


@pytest.mark.parametrize("method", ["get", "post"])
def test_unknown_query_parameters_are_refused(
    gateway: Gateway, rest: requests.Session, method: str
):
    response = rest.request(method, f"{gateway.url}/api/ml/datasets", params={"bogus": "1"})

    assert refusal(response) == (400, "REQUEST_MALFORMED")
    assert "bogus" in response.json()["message"]


def test_unknown_fields_of_a_body_are_dropped_and_missing_from_the_configuration(
    gateway: Gateway, rest: requests.Session
):
    job = rest.post(f"{gateway.url}/api/ml/automl/train", json={**GOOD, "time_limt": 60})

    assert job.status_code == 200
    assert "time_limt" not in job.json()["config"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/"),
        ("get", "/api/ml/nothing"),
        ("put", "/api/ml/datasets"),
        ("get", "/api/ml/automl/train"),
    ],
)
def test_unknown_paths_and_verbs_are_refused(
    gateway: Gateway, rest: requests.Session, method: str, path: str
):
    assert refusal(rest.request(method, gateway.url + path)) == (404, "METHOD_UNKNOWN")


def test_without_a_token_nothing_but_the_gateways_health_answers(gateway: Gateway):
    health = requests.get(f"{gateway.url}/healthz", timeout=60)
    datasets = requests.get(f"{gateway.url}/api/ml/datasets", timeout=60)

    assert health.status_code == 200
    assert refusal(datasets) == (401, "TOKEN_MISSING")
