"""Bad input gets the same clear error by gRPC and by REST, before anything is queued."""

from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
import requests
from google.protobuf import json_format
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from omniscope.automl.v1 import automl_service_pb2, automl_service_pb2_grpc
from omniscope.registry.v1 import dataset_service_pb2, dataset_service_pb2_grpc
from tests.e2e.conftest import DATA, RestSession, RunningSuite

GOOD_REQUEST: dict[str, object] = {"dataset_id": "penguins", "target_column": "species"}


@dataclass(frozen=True)
class Refusal:
    """What a client sees of a refused request, by whichever transport."""

    code: str
    reason: str
    fields: list[str] = field(default_factory=list)
    message: str = ""


def grpc_refusal(error: Any) -> Refusal:
    status = rpc_status.from_call(error)
    assert status is not None, "every refusal carries a google.rpc.Status"
    info, bad_request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(bad_request)
    fields = [violation.field for violation in bad_request.field_violations]
    code = error.code().name
    return Refusal(code, info.reason, fields, status.message)


def rest_refusal(response: requests.Response) -> Refusal:
    assert response.status_code >= 400, response.text
    body = response.json()
    reason, fields = "", []
    for detail in body["details"]:
        reason = detail.get("reason", reason)
        fields += [
            violation["field"]
            for violation in detail.get("fieldViolations", detail.get("field_violations", []))
        ]
    code = {value.value[0]: value.name for value in grpc.StatusCode}[body["code"]]
    return Refusal(code, reason, fields, body["message"])


TRAIN_REFUSALS = [
    ({"dataset_id": "no_such_set"}, "NOT_FOUND", "DATASET_NOT_FOUND", "dataset_id"),
    ({"target_column": "specie"}, "INVALID_ARGUMENT", "COLUMN_NOT_FOUND", "target_column"),
    ({"quality": "superb"}, "INVALID_ARGUMENT", "PRESET_UNKNOWN", "quality"),
    (
        {"feature_columns": ["sex", "beak"]},
        "INVALID_ARGUMENT",
        "COLUMN_NOT_FOUND",
        "feature_columns[1]",
    ),
    ({"time_limit": 0}, "INVALID_ARGUMENT", "TIME_LIMIT_OUT_OF_RANGE", "time_limit"),
    ({"time_limit": -5}, "INVALID_ARGUMENT", "TIME_LIMIT_OUT_OF_RANGE", "time_limit"),
    ({"time_limit": 2_000_000_000}, "INVALID_ARGUMENT", "TIME_LIMIT_OUT_OF_RANGE", "time_limit"),
    (
        {"dataset_id": "one_class", "target_column": "y"},
        "INVALID_ARGUMENT",
        "TARGET_SINGLE_CLASS",
        "target_column",
    ),
    ({"problem_type": "ranking"}, "INVALID_ARGUMENT", "PROBLEM_TYPE_UNKNOWN", "problem_type"),
    ({"target_column": ""}, "INVALID_ARGUMENT", "FIELD_REQUIRED", "target_column"),
]


@pytest.fixture(scope="module")
def one_class(rest: RestSession) -> str:
    table = "x,y\n" + "".join(f"{i},same\n" for i in range(40))
    rest.post(
        "/api/ml/datasets", params={"name": "one_class", "format": "csv"}, data=table.encode()
    ).raise_for_status()
    return "one_class"


@pytest.mark.parametrize(("change", "code", "reason", "named"), TRAIN_REFUSALS)
def test_a_training_that_cannot_work_is_refused_alike_by_grpc_and_rest(
    change, code, reason, named, channel, credentials, rest, penguins, one_class
):
    request = GOOD_REQUEST | change
    before = rest.get("/api/ml/jobs", params={"page_size": 1000}).json()["jobs"]

    with pytest.raises(grpc.RpcError) as refused:
        automl_service_pb2_grpc.AutoMLServiceStub(channel).Train(
            json_format.ParseDict(request, automl_service_pb2.TrainRequest()),
            metadata=credentials,
            timeout=30,
        )
    by_grpc = grpc_refusal(refused.value)
    by_rest = rest_refusal(rest.post("/api/ml/automl/train", json=request))

    assert (by_grpc.code, by_grpc.reason) == (code, reason), by_grpc
    assert by_grpc.fields == [named] or (code == "NOT_FOUND" and not by_grpc.fields)
    assert by_rest == by_grpc
    assert rest.get("/api/ml/jobs", params={"page_size": 1000}).json()["jobs"] == before


UPLOAD_REFUSALS = [
    ("empty", "csv", b"", "DATASET_EMPTY"),
    ("ragged", "csv", b"a,b\n1,2\n3\n", "DATASET_MALFORMED"),
    ("twice", "csv", b"a,b,a\n1,2,3\n", "COLUMN_DUPLICATED"),
    ("not-csv", "csv", (DATA / "penguins.parquet").read_bytes(), "DATASET_FORMAT_MISMATCH"),
    ("not-parquet", "parquet", b"a,b\n1,2\n", "DATASET_FORMAT_MISMATCH"),
    ("unknown", "xlsx", b"a,b\n1,2\n", "DATASET_FORMAT_UNKNOWN"),
    ("bad name!", "csv", b"a,b\n1,2\n", "NAME_INVALID"),
]


@pytest.mark.parametrize(("name", "format_", "data", "reason"), UPLOAD_REFUSALS)
def test_a_file_that_is_no_table_is_refused_alike_by_grpc_and_rest(
    name, format_, data, reason, channel, credentials, rest
):
    upload = dataset_service_pb2.UploadDatasetRequest(name=name, format=format_)
    upload.data.data = data

    with pytest.raises(grpc.RpcError) as refused:
        dataset_service_pb2_grpc.DatasetServiceStub(channel).UploadDataset(
            iter([upload]), metadata=credentials, timeout=30
        )
    by_grpc = grpc_refusal(refused.value)
    by_rest = rest_refusal(
        rest.post("/api/ml/datasets", params={"name": name, "format": format_}, data=data)
    )

    assert (by_grpc.code, by_grpc.reason) == ("INVALID_ARGUMENT", reason), by_grpc
    assert by_rest == by_grpc


@pytest.mark.parametrize("token", [None, "0" * 64])
def test_without_a_valid_token_nothing_answers(suite: RunningSuite, channel, token):
    metadata = [] if token is None else [("authorization", f"Bearer {token}")]

    with pytest.raises(grpc.RpcError) as refused:
        dataset_service_pb2_grpc.DatasetServiceStub(channel).ListDatasets(
            dataset_service_pb2.ListDatasetsRequest(), metadata=metadata, timeout=30
        )
    by_grpc = grpc_refusal(refused.value)
    with RestSession(f"http://{suite.gateway}", token) as stranger:
        response = stranger.get("/api/ml/datasets")

    assert response.status_code == 401
    assert by_grpc.code == "UNAUTHENTICATED"
    assert rest_refusal(response) == by_grpc


def test_a_job_that_does_not_exist_is_not_found_on_every_path(rest: RestSession):
    unknown = "01ARZ3NDEKTSV4RRFFQ69G5FAV"

    for path in (f"/api/ml/jobs/{unknown}", f"/api/ml/jobs/{unknown}/status"):
        refusal = rest_refusal(rest.get(path))
        assert (refusal.code, refusal.reason) == ("NOT_FOUND", "JOB_NOT_FOUND")
    cancelled = rest_refusal(rest.post(f"/api/ml/jobs/{unknown}:cancel", json={}))
    assert (cancelled.code, cancelled.reason) == ("NOT_FOUND", "JOB_NOT_FOUND")
    watched = rest.get(f"/api/ml/jobs/{unknown}/events")
    assert watched.status_code == 404
