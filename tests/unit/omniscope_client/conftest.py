"""A real server with canned answers, and the command line as a user calls it."""

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.empty_pb2 import Empty
from google.rpc import code_pb2, error_details_pb2, status_pb2

from omniscope.automl.v1 import automl_service_pb2, automl_service_pb2_grpc
from omniscope.common.v1.dataset_pb2 import Dataset, DatasetColumn
from omniscope.common.v1.job_pb2 import (
    JOB_STATE_QUEUED,
    JOB_STATE_RUNNING,
    JOB_STATE_SUCCEEDED,
    Job,
)
from omniscope.common.v1.lineage_pb2 import LINEAGE_NODE_KIND_MODEL, Lineage, LineageNode
from omniscope.common.v1.model_pb2 import Model, ModelResults
from omniscope.deeplearning.v1 import deep_learning_service_pb2, deep_learning_service_pb2_grpc
from omniscope.registry.v1 import (
    artifact_service_pb2_grpc,
    dataset_service_pb2,
    dataset_service_pb2_grpc,
    job_service_pb2,
    job_service_pb2_grpc,
    model_service_pb2,
    model_service_pb2_grpc,
)
from omniscope_client.client import Client

TOKEN = "ab" * 32
STATUS_DETAILS = "grpc-status-details-bin"


@dataclass
class Canned:
    """What the server answers, and what it was asked.

    An answer may be a message, an exception of `refusal`, or a function of the request.
    """

    answers: dict[str, Any] = field(default_factory=dict)
    requests: dict[str, list[Any]] = field(default_factory=dict)
    metadata: list[dict[str, str | bytes]] = field(default_factory=list)
    stream_ended: threading.Event = field(default_factory=threading.Event)

    def answer(self, method: str, request: Any, context: grpc.ServicerContext) -> Any:
        self.requests.setdefault(method, []).append(request)
        self.metadata.append(dict(context.invocation_metadata()))
        answer = self.answers[method]
        answer = answer(request) if callable(answer) else answer
        if isinstance(answer, Refusal):
            answer.send(context)
        return answer

    def stream(self, method: str, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        context.add_callback(self.stream_ended.set)
        for item in self.answer(method, request, context):
            if isinstance(item, Refusal):
                item.send(context)
            yield item


@dataclass(frozen=True)
class Refusal:
    """An error as a service of the suite sends it."""

    code: grpc.StatusCode
    message: str
    reason: str = ""
    field: str = ""

    def send(self, context: grpc.ServicerContext) -> None:
        details = []
        if self.reason:
            details.append(error_details_pb2.ErrorInfo(reason=self.reason, domain="omniscope"))
        if self.field:
            violation = error_details_pb2.BadRequest.FieldViolation(field=self.field)
            details.append(error_details_pb2.BadRequest(field_violations=[violation]))
        if details:
            status = status_pb2.Status(
                code=code_pb2.Code.Value(self.code.name), message=self.message
            )
            for detail in details:
                packed = AnyMessage()
                packed.Pack(detail)
                status.details.append(packed)
            context.set_trailing_metadata(((STATUS_DETAILS, status.SerializeToString()),))
        context.abort(self.code, self.message)


def add_services(canned: Canned, server: grpc.Server) -> None:
    """Add all public services with `canned`'s answers to a server."""

    def unary(name: str) -> Callable[..., Any]:
        return lambda self, request, context: canned.answer(name, request, context)

    def upload(name: str) -> Callable[..., Any]:
        return lambda self, requests, context: canned.answer(name, list(requests), context)

    def stream(name: str) -> Callable[..., Any]:
        return lambda self, request, context: canned.stream(name, request, context)

    kinds = {
        "UploadDataset": upload,
        "WatchJob": stream,
        "DownloadModel": stream,
        "DownloadArtifact": stream,
        "DownloadDataset": stream,
    }
    for module, service in (
        (dataset_service_pb2_grpc, "DatasetService"),
        (job_service_pb2_grpc, "JobService"),
        (model_service_pb2_grpc, "ModelService"),
        (artifact_service_pb2_grpc, "ArtifactService"),
        (automl_service_pb2_grpc, "AutoMLService"),
        (deep_learning_service_pb2_grpc, "DeepLearningService"),
    ):
        base = getattr(module, f"{service}Servicer")
        methods = {name: kinds.get(name, unary)(name) for name in vars(base) if name[0] != "_"}
        getattr(module, f"add_{service}Servicer_to_server")(
            type(service, (base,), methods)(), server
        )


ARCHITECTURE = deep_learning_service_pb2.Architecture(
    name="transformer",
    layouts=["flat", "sequence"],
    parameters=[
        deep_learning_service_pb2.ArchitectureParameter(
            name="heads", type="int", default_value=4, minimum=1, maximum=64
        ),
        deep_learning_service_pb2.ArchitectureParameter(
            name="bidirectional", type="bool", default_value=1, maximum=1
        ),
    ],
)


@pytest.fixture
def canned() -> Canned:
    """Sensible answers; a test puts its own in their place."""
    return Canned(
        {
            "UploadDataset": Dataset(dataset_id="D1", name="tissues", version=1, row_count=185),
            "GetDataset": Dataset(dataset_id="D1", name="tissues", version=1, column_count=2),
            "ListDatasets": dataset_service_pb2.ListDatasetsResponse(
                datasets=[Dataset(dataset_id="D1", name="tissues", version=1, row_count=185)]
            ),
            "ListDatasetColumns": dataset_service_pb2.ListDatasetColumnsResponse(
                columns=[DatasetColumn(name="gene[red]", type="float32", mean=1.5)]
            ),
            "DeleteDataset": Empty(),
            "Train": Job(job_id="J1", state=JOB_STATE_QUEUED, model_name="tissues-tissue-automl"),
            "ListPresets": automl_service_pb2.ListPresetsResponse(
                presets=[automl_service_pb2.Preset(name="medium_quality", default_preset=True)]
            ),
            "ListArchitectures": deep_learning_service_pb2.ListArchitecturesResponse(
                architectures=[ARCHITECTURE]
            ),
            "GetLeaderboard": automl_service_pb2.Leaderboard(job_id="J1"),
            "GetJob": Job(job_id="J1", state=JOB_STATE_RUNNING, progress=40.0),
            "GetJobStatus": job_service_pb2.JobStatus(job_id="J1", status="running"),
            "ListJobs": job_service_pb2.ListJobsResponse(
                jobs=[Job(job_id="J1", state=JOB_STATE_SUCCEEDED)]
            ),
            "CancelJob": Job(job_id="J1", state=JOB_STATE_RUNNING, cancel_requested=True),
            "RetryJob": Job(job_id="J2", state=JOB_STATE_QUEUED, retry_of="J1"),
            "DeleteJob": Empty(),
            "GetModel": Model(model_id="M1", name="tissues-tissue-automl", version=1),
            "GetModelResults": ModelResults(model_id="M1", best_model="LightGBM"),
            "ListModels": model_service_pb2.ListModelsResponse(
                models=[Model(model_id="M1", name="tissues-tissue-automl", version=1)]
            ),
            "DeleteModel": Empty(),
            "GetLineage": Lineage(
                model_id="M1",
                nodes=[LineageNode(id="M1", kind=LINEAGE_NODE_KIND_MODEL, name="tissues")],
            ),
        }
    )


@pytest.fixture
def address(canned: Canned) -> Iterator[str]:
    server = grpc.server(ThreadPoolExecutor(max_workers=8))
    add_services(canned, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(grace=None).wait()


@pytest.fixture
def client(address: str) -> Iterator[Client]:
    with Client(address, TOKEN) as client:
        yield client


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


@pytest.fixture
def omniscope(
    address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path
) -> Callable[..., Outcome]:
    """Calls the command line; it finds the canned server by its environment."""
    from omniscope_client.cli import main

    token_file = tmp_path / "token"
    token_file.write_text(TOKEN + "\n")
    monkeypatch.setenv("OMNISCOPE_ADDRESS", address)
    monkeypatch.setenv("OMNISCOPE_TOKEN_FILE", str(token_file))
    monkeypatch.delenv("OMNISCOPE_HOME", raising=False)
    monkeypatch.delenv("COLUMNS", raising=False)  # of whoever runs the tests
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["omniscope", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        written = capsys.readouterr()
        return Outcome(int(ended.value.code or 0), written.out, written.err)

    return call
