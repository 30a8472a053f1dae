"""The registry as its app composes it, behind a real server and a real broker, and its clients."""

from __future__ import annotations

import asyncio
import hashlib
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc.aio
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from ulid import ULID

from omniscope.automl.v1.automl_service_pb2 import TrainRequest
from omniscope.common.v1.job_event_pb2 import JobEvent, MetricPoint, Progress
from omniscope.common.v1.job_input_pb2 import JobInput
from omniscope.common.v1.job_pb2 import Job, JobError
from omniscope.registry.v1 import worker_service_pb2 as worker_messages
from omniscope.registry.v1.job_intake_service_pb2 import SubmitJobRequest
from omniscope.registry.v1.job_intake_service_pb2_grpc import JobIntakeServiceStub
from omniscope.registry.v1.job_service_pb2 import CancelJobRequest
from omniscope.registry.v1.job_service_pb2_grpc import JobServiceStub
from omniscope.registry.v1.worker_service_pb2 import FailureCause
from omniscope.registry.v1.worker_service_pb2_grpc import WorkerServiceStub
from omniscope_registry.app import Resources, compose
from omniscope_registry.database import Database
from omniscope_registry.settings import RegistrySettings
from omniscope_service import failpoints
from omniscope_service.artifacts import ArtifactStore
from omniscope_service.events.nats import NatsBus
from omniscope_service.rpc.auth import TokenVerifier
from omniscope_service.rpc.status import error_from_rpc
from omniscope_service.testing.serving import channel, serve
from tests.grpc.registry.jobs.job_stores import add_dataset, put_package

if TYPE_CHECKING:
    from omniscope.registry.v1.job_intake_service_pb2_grpc import JobIntakeServiceAsyncStub
    from omniscope.registry.v1.job_service_pb2_grpc import JobServiceAsyncStub
    from omniscope.registry.v1.worker_service_pb2_grpc import WorkerServiceAsyncStub

WORKER_ID = str(ULID())
ARTIFACT_JOB = {"artifact_kind": "explanation", "model_type": "", "model_name": ""}


async def put_artifact_package(
    artifacts: ArtifactStore, grant: Any, **changes: Any
) -> tuple[str, str]:
    """Upload an artifact's package; return its key and its manifest's hash."""
    key = f"{grant.artifacts_prefix}/package"
    files = {"importance.json": b'{"gene1": 0.7}', "plots/importance.svg": b"<svg/>"}
    manifest = {
        "format_version": 1,
        "kind": "explanation",
        "job_id": grant.lease.job_id,
        "attempt": grant.lease.attempt,
        "files": {
            path: {"sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data)}
            for path, data in files.items()
        },
    } | changes
    data = json.dumps(manifest).encode()
    for path, content in {**files, "manifest.json": data}.items():
        await artifacts.put_bytes(f"{key}/{path}", content)
    return key, hashlib.sha256(data).hexdigest()


@dataclass
class Registry:
    """A served registry with the stubs of everybody who calls it; `ada` owns a dataset."""

    target: str
    dataset_id: str
    artifacts: ArtifactStore
    jobs: JobServiceAsyncStub
    jobs_of_bob: JobServiceAsyncStub
    intake: JobIntakeServiceAsyncStub
    intake_of_bob: JobIntakeServiceAsyncStub
    worker: WorkerServiceAsyncStub
    runs_on: dict[str, tuple[str, str]] = field(default_factory=dict)

    def submission(self, **fields: Any) -> SubmitJobRequest:
        config = AnyMessage()
        config.Pack(TrainRequest(dataset_id=self.dataset_id, target_column="outcome"))
        defaults: dict[str, Any] = {
            "service": "automl",
            "model_type": "automl.tabular",
            "config": config,
            "inputs": [JobInput(role="training", dataset_id=self.dataset_id)],
            "model_name": "outcome-model",
            "hard_limit_seconds": 600,
        }
        return SubmitJobRequest(**defaults | fields)

    async def submit(self, **fields: Any) -> Job:
        submission = self.submission(**fields)
        job = await self.intake.SubmitJob(submission)
        self.runs_on[job.job_id] = (submission.service, submission.resource_class or "cpu")
        return job

    async def claim(
        self, job_id: str = "", claim_id: str = "", **fields: str
    ) -> worker_messages.ClaimJobResponse:
        """Claim the next job of the service and class of a job, `automl` and `cpu` without one."""
        service, resource_class = self.runs_on.get(job_id, ("automl", "cpu"))
        request = {
            "worker_id": WORKER_ID,
            "claim_id": claim_id or str(uuid.uuid4()),
            "service": service,
            "resource_class": resource_class,
        }
        return await self.worker.ClaimJob(worker_messages.ClaimJobRequest(**request | fields))

    async def running(self, **fields: Any) -> worker_messages.ClaimJobResponse:
        """Submit a job and claim it."""
        return await self.claim((await self.submit(**fields)).job_id)

    async def report(self, lease: Any, first: int, *events: JobEvent) -> int:
        reported = [
            worker_messages.ReportedEvent(worker_sequence=number, event=event)
            for number, event in enumerate(events, start=first)
        ]
        request = worker_messages.ReportEventsRequest(lease=lease, events=reported)
        return (await self.worker.ReportEvents(request)).acknowledged_sequence

    async def fail(self, lease: Any, cause: str, reason: str = "SOME_REASON") -> int:
        error = JobError(code="INTERNAL", reason=reason, message="It did not work.")
        request = worker_messages.FailJobRequest(
            lease=lease, cause=FailureCause.Value(f"FAILURE_CAUSE_{cause}"), error=error
        )
        return (await self.worker.FailJob(request)).state

    async def cancel(self, job_id: str, reason: str = "") -> Job:
        return await self.jobs.CancelJob(CancelJobRequest(job_id=job_id, reason=reason))

    async def complete(self, grant: Any, **fields: Any) -> str:
        key, digest = await self.put_package(grant)
        request = worker_messages.CompleteJobRequest(
            lease=grant.lease, package_key=key, manifest_digest=digest, **fields
        )
        return (await self.worker.CompleteJob(request)).model_id

    async def model(self) -> str:
        """Have a model of `ada` made; return its id."""
        return await self.complete(await self.running())

    async def artifact(self, **fields: Any) -> str:
        """Have an artifact of `ada` made; return its id."""
        grant = await self.running(**ARTIFACT_JOB | fields)
        key, digest = await put_artifact_package(self.artifacts, grant)
        request = worker_messages.CompleteJobRequest(
            lease=grant.lease, package_key=key, manifest_digest=digest
        )
        return (await self.worker.CompleteJob(request)).artifact_id

    async def put_package(self, grant: Any) -> tuple[str, str]:
        """Upload the smallest package that verifies; return its key and its manifest's hash."""
        lease = grant.lease
        return await put_package(
            self.artifacts, grant.artifacts_prefix, lease.job_id, lease.attempt
        )


@pytest.fixture
def settings(home: Path) -> RegistrySettings:
    return RegistrySettings(home=home)


@pytest.fixture
async def bus(nats_url: str) -> AsyncIterator[NatsBus]:
    connected = await NatsBus.connect(nats_url, "test")
    await connected.ensure_streams()
    yield connected
    await connected.close()


@pytest.fixture
async def registry(
    settings: RegistrySettings,
    database: Database,
    artifacts: ArtifactStore,
    bus: NatsBus,
    callers: TokenVerifier,
) -> AsyncIterator[Registry]:
    service = compose(settings, Resources(database, artifacts, bus, callers))
    dataset_id = await add_dataset(database)
    async with AsyncExitStack() as stack:
        target = await stack.enter_async_context(serve(service))

        async def connect(*tokens: str) -> Any:
            return await stack.enter_async_context(channel(target, *tokens))

        yield Registry(
            target=target,
            dataset_id=dataset_id,
            artifacts=artifacts,
            jobs=JobServiceStub(await connect("ada")),
            jobs_of_bob=JobServiceStub(await connect("bob")),
            intake=JobIntakeServiceStub(await connect("service", "ada")),
            intake_of_bob=JobIntakeServiceStub(await connect("service", "bob")),
            worker=WorkerServiceStub(await connect("worker")),
        )


async def outcome_of(call: Awaitable[Any]) -> Any:
    """Return what a call gives, or the reason of its refusal."""
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        return error_from_rpc(error).reason


class _Pause:
    """Holds the first call that reaches a failpoint, so that another one can overlap it."""

    def __init__(self, place: str) -> None:
        self.reached = asyncio.Event()
        self._place = place

    async def __call__(self, name: str) -> None:
        if name == self._place and not self.reached.is_set():
            self.reached.set()
            await asyncio.sleep(0.3)


@pytest.fixture
def overlap(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Awaitable[tuple[Any, Any]]]:
    """Runs two calls; the second begins when the first is about to commit."""

    async def run(
        place: str, first: Callable[..., Any], second: Callable[..., Any]
    ) -> tuple[Any, Any]:
        pause = _Pause(place)
        monkeypatch.setattr(failpoints, "reach", pause)
        running = asyncio.create_task(outcome_of(first()))
        await pause.reached.wait()
        return await asyncio.gather(running, outcome_of(second()))

    return run


@pytest.fixture
def events() -> type:
    """Makes the events that workers report."""
    return _Events


class _Events:
    @staticmethod
    def progress(percent: float, phase: str = "training") -> JobEvent:
        return JobEvent(progress=Progress(percent=percent, phase=phase))

    @staticmethod
    def metric(value: float, step: int = 0) -> JobEvent:
        return JobEvent(
            metric=MetricPoint(name="accuracy", value=value, step=step, split="validation")
        )
