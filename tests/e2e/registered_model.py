"""A model in the registry whose training is faked: what a service and its worker do, by hand."""

import hashlib
from uuid import uuid4

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from ulid import ULID

from omniscope.automl.v1.automl_service_pb2 import TrainRequest
from omniscope.common.v1.job_input_pb2 import JobInput
from omniscope.registry.v1.job_intake_service_pb2 import SubmitJobRequest
from omniscope.registry.v1.job_intake_service_pb2_grpc import JobIntakeServiceStub
from omniscope.registry.v1.worker_service_pb2 import ClaimJobRequest, CompleteJobRequest
from omniscope.registry.v1.worker_service_pb2_grpc import WorkerServiceStub
from omniscope_service.rpc.auth import AUTHORIZATION_KEY, CALLER_TOKEN_KEY, LocalTokens
from tests.e2e.conftest import RunningSuite
from tests.faults.trainer import write_package

SERVICE = "fake"


def register_model(suite: RunningSuite, dataset_id: str, name: str) -> str:
    """Register a model of a dataset; return its id."""
    tokens = LocalTokens.read(suite.home)
    with grpc.insecure_channel(str(suite.state["registry"]["address"])) as channel:
        submit(channel, tokens, dataset_id, name)
        worker = ((AUTHORIZATION_KEY, f"Bearer {tokens.worker}"),)
        return complete(suite, WorkerServiceStub(channel), worker)


def submit(channel: grpc.Channel, tokens: LocalTokens, dataset_id: str, name: str) -> None:
    config = AnyMessage()
    config.Pack(TrainRequest(dataset_id=dataset_id, target_column="species"))
    request = SubmitJobRequest(
        service=SERVICE,
        model_type="automl.tabular",
        model_name=name,
        config=config,
        inputs=[JobInput(role="training", dataset_id=dataset_id)],
        hard_limit_seconds=60,
        request_id=str(uuid4()),
    )
    caller = (
        (AUTHORIZATION_KEY, f"Bearer {tokens.service}"),
        (CALLER_TOKEN_KEY, tokens.user),
    )
    JobIntakeServiceStub(channel).SubmitJob(request, metadata=caller, timeout=30)


def complete(suite: RunningSuite, stub: WorkerServiceStub, worker: tuple[tuple[str, str]]) -> str:
    claim = ClaimJobRequest(
        worker_id=str(ULID()), claim_id=str(uuid4()), service=SERVICE, resource_class="cpu"
    )
    grant = stub.ClaimJob(claim, metadata=worker, timeout=30)
    key = f"{grant.artifacts_prefix}/package"
    folder = suite.home / "artifacts" / key
    folder.mkdir(parents=True)
    write_package({"job_id": grant.lease.job_id, "attempt": grant.lease.attempt}, folder)
    request = CompleteJobRequest(
        lease=grant.lease,
        package_key=key,
        manifest_digest=hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest(),
    )
    while (answer := stub.CompleteJob(request, metadata=worker, timeout=30)).verifying:
        pass
    return answer.model_id
