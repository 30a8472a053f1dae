"""Native gRPC and gRPC-Web on the same port, and what is not there for either."""

import base64
import struct
from typing import Any

import grpc
import pytest
import requests
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from omniscope.automl.v1 import automl_service_pb2_grpc
from omniscope.common.v1 import job_event_pb2
from omniscope.registry.v1 import (
    dataset_service_pb2,
    dataset_service_pb2_grpc,
    job_intake_service_pb2,
    job_intake_service_pb2_grpc,
    job_service_pb2,
    job_service_pb2_grpc,
    worker_service_pb2,
    worker_service_pb2_grpc,
)
from tests.integration.gateway.conftest import Gateway
from tests.integration.gateway.upstream import JOB_ID

STATUS_PATH = "/omniscope.registry.v1.JobService/GetJobStatus"


def frame(message: bytes) -> bytes:
    return b"\0" + struct.pack(">I", len(message)) + message


def decode_text(body: bytes) -> bytes:
    """Decode gRPC-Web's text form: pieces of base64, each with its own padding."""
    return b"".join(base64.b64decode(body[at : at + 4]) for at in range(0, len(body), 4))


def first_frame(body: bytes) -> bytes:
    (length,) = struct.unpack(">I", body[1:5])
    return body[5 : 5 + length]


def test_native_calls_pass(gateway: Gateway, channel: grpc.Channel):
    status = job_service_pb2_grpc.JobServiceStub(channel).GetJobStatus(
        job_service_pb2.GetJobStatusRequest(job_id=JOB_ID), metadata=gateway.credentials
    )

    assert status.status == "queued"


def test_native_streams_pass_in_both_directions(gateway: Gateway, channel: grpc.Channel):
    requests_ = [dataset_service_pb2.UploadDatasetRequest(name="a", format="csv")]
    requests_[0].data.data = b"x" * 100_000

    events = automl_service_pb2_grpc.AutoMLServiceStub(channel).WatchTraining(
        job_event_pb2.WatchRequest(job_id=JOB_ID), metadata=gateway.credentials
    )
    dataset = dataset_service_pb2_grpc.DatasetServiceStub(channel).UploadDataset(
        iter(requests_), metadata=gateway.credentials
    )

    assert [event.sequence for event in events] == [1, 2, 3]
    assert dataset.size_bytes == 100_000


@pytest.mark.parametrize("text", [False, True])
def test_grpc_web_calls_pass(gateway: Gateway, rest: requests.Session, text: bool):
    body = frame(job_service_pb2.GetJobStatusRequest(job_id=JOB_ID).SerializeToString())
    kind = "application/grpc-web-text" if text else "application/grpc-web+proto"

    response = rest.post(
        gateway.url + STATUS_PATH,
        data=base64.b64encode(body) if text else body,
        headers={"content-type": kind, "x-grpc-web": "1", "accept": kind},
    )

    answer = decode_text(response.content) if text else response.content
    status = job_service_pb2.JobStatus.FromString(first_frame(answer))
    assert (response.status_code, status.status) == (200, "queued")
    assert b"grpc-status:0" in answer


def test_grpc_web_refusals_carry_their_status(gateway: Gateway, rest: requests.Session):
    body = frame(job_service_pb2.GetJobStatusRequest(job_id="none").SerializeToString())

    response = rest.post(
        gateway.url + STATUS_PATH,
        data=body,
        headers={"content-type": "application/grpc-web+proto", "x-grpc-web": "1"},
    )

    assert response.headers["grpc-status"] == "5"
    assert "grpc-status-details-bin" in response.headers


@pytest.mark.parametrize("role", ["user", "service", "worker"])
def test_internal_services_are_not_there_for_native_callers(
    gateway: Gateway, channel: grpc.Channel, role: str
):
    credentials = (("authorization", f"Bearer {getattr(gateway.tokens, role)}"),)
    worker: Any = worker_service_pb2_grpc.WorkerServiceStub(channel)
    intake: Any = job_intake_service_pb2_grpc.JobIntakeServiceStub(channel)

    for call, request in (
        (worker.ClaimJob, worker_service_pb2.ClaimJobRequest()),
        (worker.Heartbeat, worker_service_pb2.HeartbeatRequest()),
        (intake.SubmitJob, job_intake_service_pb2.SubmitJobRequest()),
    ):
        with pytest.raises(grpc.RpcError) as refused:
            call(request, metadata=credentials)
        assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/grpc", "application/grpc-web+proto"]
)
@pytest.mark.parametrize(
    "path",
    [
        "/omniscope.registry.v1.WorkerService/ClaimJob",
        "/omniscope.registry.v1.JobIntakeService/SubmitJob",
        "/omniscope.registry.v1.ProjectionService/ListProjections",
        "//omniscope.registry.v1.WorkerService/ClaimJob",
        "/omniscope.registry.v1.JobService/../omniscope.registry.v1.WorkerService/ClaimJob",
        "/omniscope.registry.v1.JobService/..%2fomniscope.registry.v1.WorkerService/ClaimJob",
    ],
)
def test_internal_services_are_not_there_by_http(gateway: Gateway, path: str, content_type: str):
    request = requests.Request(
        "POST",
        gateway.url,
        data=frame(b""),
        headers={
            "content-type": content_type,
            "authorization": f"Bearer {gateway.tokens.worker}",
        },
    ).prepare()
    # Requests would tidy the path up itself.
    request.url = gateway.url + path

    with requests.Session() as session:
        response = session.send(request, timeout=60)

    # 12: UNIMPLEMENTED; 13: INTERNAL, as Envoy calls a malformed request.
    by_status = response.status_code in (400, 404)
    assert by_status or response.headers["grpc-status"] in ("12", "13"), response.headers


def test_health_is_answered_without_a_token(channel: grpc.Channel):
    stub: Any = health_pb2_grpc.HealthStub(channel)

    health = stub.Check(health_pb2.HealthCheckRequest())

    assert health.status == health_pb2.HealthCheckResponse.SERVING


def test_reflection_lists_the_public_services_of_all_upstreams(
    gateway: Gateway, channel: grpc.Channel
):
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
    asked = [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(
            file_containing_symbol="omniscope.registry.v1.JobService"
        ),
    ]

    listed, described = stub.ServerReflectionInfo(iter(asked), metadata=gateway.credentials)

    names = {service.name for service in listed.list_services_response.service}
    assert names >= {
        "omniscope.automl.v1.AutoMLService",
        "omniscope.registry.v1.DatasetService",
        "omniscope.registry.v1.JobService",
        "omniscope.registry.v1.ModelService",
    }
    files = described.file_descriptor_response.file_descriptor_proto
    assert any(
        service.name == "JobService"
        for file in files
        for service in FileDescriptorProto.FromString(file).service
    )
