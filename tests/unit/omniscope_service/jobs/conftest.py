"""A worker with real children and a real broker, against a registry that is played."""

import asyncio
import hashlib
import json
import os
import secrets
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from ulid import ULID

from omniscope.common.v1 import job_pb2
from omniscope.events.v1.control_hint_pb2 import ControlHint
from omniscope.events.v1.run_hint_pb2 import RunHint
from omniscope.registry.v1 import worker_service_pb2 as messages
from omniscope.registry.v1.worker_service_pb2_grpc import (
    WorkerServiceServicer,
    add_WorkerServiceServicer_to_server,
)
from omniscope_service.app import Service
from omniscope_service.artifacts import ArtifactStore
from omniscope_service.errors import (
    Aborted,
    InvalidArgument,
)
from omniscope_service.events import subjects
from omniscope_service.events.nats import NatsBus
from omniscope_service.jobs.worker import Worker, WorkerDefinition
from omniscope_service.registry_client import RegistryClient
from omniscope_service.rpc.server import Registration
from omniscope_service.testing.serving import serve
from tests.unit.omniscope_service.jobs.packages import SigningKey

DATASET = b"arrow"
DIGEST = hashlib.sha256(DATASET).hexdigest()
DATASET_KEY = f"datasets/{DIGEST}/data.arrow"
TRAINERS = Path(__file__).parent / "trainers"


class PlayedRegistry(WorkerServiceServicer):
    """Grants what was submitted, remembers what workers say."""

    def __init__(self):
        self.announced = []
        self.waiting = []
        self.claims = []
        self.claimed = []
        self.beats = []
        self.batches = []
        self.events = {}
        self.ended = {}
        self.checkpoints = {}
        self.cancelled = set()
        self.stale = set()
        self.overdue = set()
        self.away = None
        self.verifies = False
        self.completing: Counter[str] = Counter()
        self.refuses_events = False
        self.refused = 0
        self.heartbeat_seconds = 5.0
        self._changed = asyncio.Condition()

    async def until(self, condition):
        async with self._changed:
            await self._changed.wait_for(condition)

    async def until_ended(self, job_id):
        await self.until(lambda: job_id in self.ended)
        return self.ended[job_id]

    async def until_phase(self, job_id, phase):
        await self.until(
            lambda: any(e.progress.phase == phase for e in self.events.get(job_id, []))
        )

    def logged(self, job_id):
        return [e.log_line.text for e in self.events[job_id] if e.HasField("log_line")]

    async def _notify(self):
        async with self._changed:
            self._changed.notify_all()

    async def _require_lease(self, lease):
        if self.away is not None:
            self.refused += 1
            await self._notify()
            raise self.away
        if lease.job_id in self.stale:
            raise Aborted("The attempt is not the current one.", reason="STALE_ATTEMPT")

    async def AnnounceWorker(self, request, context):
        self.announced.append(request)
        await self._notify()
        answer = messages.AnnounceWorkerResponse()
        answer.heartbeat_interval.FromTimedelta(timedelta(seconds=self.heartbeat_seconds))
        return answer

    async def ClaimJob(self, request, context):
        self.claims.append(request)
        await self._notify()
        waiting = [grant for service, grant in self.waiting if service == request.service]
        if self.away is not None:
            raise self.away
        if not waiting:
            return messages.ClaimJobResponse()
        self.waiting.remove((request.service, waiting[0]))
        job_id = waiting[0].job.job_id
        self.claimed.append(job_id)
        self.events[job_id] = []
        return waiting[0]

    async def Heartbeat(self, request, context):
        self.beats.append(request.lease.job_id)
        await self._notify()
        await self._require_lease(request.lease)
        answer = messages.HeartbeatResponse(
            cancel_requested=request.lease.job_id in self.cancelled
        )
        if request.lease.job_id in self.overdue:
            answer.deadline_in.FromTimedelta(timedelta(0))
        return answer

    async def ReportEvents(self, request, context):
        await self._require_lease(request.lease)
        if self.refuses_events:
            raise InvalidArgument("events[0] is too long.", reason="FIELD_INVALID")
        stored = self.events[request.lease.job_id]
        self.batches.append(len(request.events))
        for reported in request.events:
            assert reported.worker_sequence == len(stored) + 1
            stored.append(reported.event)
        await self._notify()
        return messages.ReportEventsResponse(acknowledged_sequence=len(stored))

    async def RegisterCheckpoint(self, request, context):
        await self._require_lease(request.lease)
        stored = self.checkpoints.setdefault(request.lease.job_id, [])
        stored.append(request.checkpoint)
        await self._notify()
        return messages.RegisterCheckpointResponse(
            superseded_manifest_keys=[old.manifest_key for old in stored[:-2]]
        )

    async def CompleteJob(self, request, context):
        await self._require_lease(request.lease)
        if self.verifies:
            self.completing[request.lease.job_id] += 1
            await self._notify()
            await asyncio.sleep(0.05)
            return messages.CompleteJobResponse(verifying=True)
        self.ended[request.lease.job_id] = request
        await self._notify()
        return messages.CompleteJobResponse(model_id=str(ULID()))

    async def FailJob(self, request, context):
        await self._require_lease(request.lease)
        self.ended[request.lease.job_id] = request
        await self._notify()
        return messages.FailJobResponse(state=job_pb2.JOB_STATE_FAILED)


def dataset_input(key=DATASET_KEY, digest=DIGEST, role="training"):
    """An input as a claim has it."""
    return messages.ClaimedInput(
        role=role, dataset_id=str(ULID()), artifact_key=key, digest=digest
    )


class Scene:
    """The played registry, the broker, the store, and workers of one service among them."""

    def __init__(self, registry, bus, artifacts, client, home, target):
        self.registry, self.bus, self.artifacts = registry, bus, artifacts
        self.client, self.home, self.target = client, home, target
        self.key = SigningKey()
        self.service = f"s{secrets.token_hex(6)}"

    def worker(self, **settings):
        definition = WorkerDefinition(
            service=settings.pop("service", self.service),
            resource_class="cpu",
            slots=settings.pop("slots", 1),
            trainer=settings.pop("trainer", "fake_trainer"),
            spec_from_claim=lambda grant: json.loads(grant.job.description),
            versions={"omniscope": "1"},
        )
        settings.setdefault("child_memory_bytes", 2**33)
        return Worker(definition, self.client, self.bus, self.artifacts, self.home, **settings)

    @asynccontextmanager
    async def working(self, **settings):
        worker, stop = self.worker(**settings), asyncio.Event()
        running = asyncio.create_task(worker.run(stop))
        try:
            yield worker
        finally:
            stop.set()
            await running

    async def submit(
        self,
        act,
        *,
        service=None,
        hard_limit_seconds=60.0,
        deadline_seconds=None,
        inputs=None,
        checkpoints=(),
        **spec,
    ):
        job_id = str(ULID())
        grant = messages.ClaimJobResponse(
            lease=messages.AttemptLease(
                job_id=job_id, attempt=1, lease_token=secrets.token_hex(16)
            ),
            job=job_pb2.Job(job_id=job_id, description=json.dumps({"act": act, **spec})),
            inputs=[dataset_input()] if inputs is None else inputs,
            signing_public_key=self.key.public_key,
            artifacts_prefix=f"jobs/{job_id}/attempts/1-abc",
            checkpoints=checkpoints,
        )
        grant.lease_duration.FromSeconds(60)
        grant.hard_limit.FromTimedelta(timedelta(seconds=hard_limit_seconds))
        if deadline_seconds is not None:
            grant.deadline_in.FromTimedelta(timedelta(seconds=deadline_seconds))
        interval = timedelta(seconds=self.registry.heartbeat_seconds)
        grant.heartbeat_interval.FromTimedelta(interval)
        self.registry.waiting.append((service or self.service, grant))
        await self.hint(service)
        return job_id

    async def hint(self, service=None):
        data = RunHint(version=1).SerializeToString()
        subject = subjects.run_hint(service or self.service, "cpu")
        await self.bus.publish(subject, data, message_id=secrets.token_hex(8))

    async def run(self, act, **spec):
        job_id = await self.submit(act, **spec)
        return await self.registry.until_ended(job_id)

    async def cancel(self, job_id):
        self.registry.cancelled.add(job_id)
        data = ControlHint(version=1, job_id=job_id).SerializeToString()
        await self.bus.notify(subjects.control(job_id), data)


@pytest.fixture(autouse=True)
def importable_trainers(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(TRAINERS), prepend=os.pathsep)


@pytest.fixture(autouse=True)
def workers_that_stop_soon(monkeypatch):
    # A worker that is told to stop waits for its fetch: most of the time of such a test.
    monkeypatch.setattr("omniscope_service.jobs.worker._FETCH_SECONDS", 0.25)


@pytest.fixture
async def scene(home, tokens, nats_url):
    async with played(home, tokens, nats_url) as scene:
        yield scene


@asynccontextmanager
async def played(home, tokens, nats_url):
    """A scene in a home, with a dataset that is no table."""
    registry = PlayedRegistry()
    registration = Registration(
        servicer=registry,
        add=add_WorkerServiceServicer_to_server,
        full_name="omniscope.registry.v1.WorkerService",
    )
    artifacts = ArtifactStore.open((home / "artifacts").as_uri())
    await artifacts.put_bytes(DATASET_KEY, DATASET)
    service = Service(
        name="registry", listen="127.0.0.1:0", registrations=[registration], verifier=tokens
    )
    async with AsyncExitStack() as stack:
        target = await stack.enter_async_context(serve(service))
        client = await stack.enter_async_context(RegistryClient(target, tokens.worker))
        bus = await NatsBus.connect(nats_url, "test")
        stack.push_async_callback(bus.close)
        await bus.ensure_streams()
        yield Scene(registry, bus, artifacts, client, home, target)


async def warm(worker):
    """Warms a worker's child up and returns it."""
    worker.warm_up()
    return await worker._warm._warming
