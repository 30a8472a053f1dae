"""A suite of real processes, and a client of it that remembers what it was told."""

import asyncio
import json
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TypeVar

import grpc.aio
from google.protobuf.any_pb2 import Any as AnyMessage

from omniscope.automl.v1.automl_service_pb2 import TrainRequest
from omniscope.common.v1 import job_pb2
from omniscope.common.v1.job_event_pb2 import JobEvent, WatchRequest
from omniscope.common.v1.job_input_pb2 import JobInput
from omniscope.registry.v1.job_intake_service_pb2 import SubmitJobRequest
from omniscope.registry.v1.job_intake_service_pb2_grpc import JobIntakeServiceStub
from omniscope.registry.v1.job_service_pb2 import CancelJobRequest, GetJobRequest
from omniscope.registry.v1.job_service_pb2_grpc import JobServiceStub
from omniscope_client.client import Client
from omniscope_client.errors import OmniscopeError
from omniscope_service.rpc.auth import LocalTokens
from omniscope_service.testing.serving import channel
from omniscope_service.watch import TERMINAL_STATES
from tests.faults.processes import Processes, free_port

NO_ANSWER = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


class Cluster(Processes):
    """Processes with a client.

    Args:
        home: Their home, with its token files.
        database_url: Of the registries; empty: SQLite in the home.
        dataset_id: A dataset that is there already; empty: one is uploaded at the start.

    Attributes:
        acknowledged: Jobs that the client was told of.
        intake: Where services submit.
        jobs: Where users look and cancel.
    """

    def __init__(self, home: Path, database_url: str = "", dataset_id: str = "") -> None:
        super().__init__(home, database_url)
        self.dataset_id = dataset_id
        self.acknowledged: set[str] = set()
        self.tokens = LocalTokens.read(home)
        self._stack = AsyncExitStack()

    async def start(self, *, workers: int = 1, registries: int = 1, **failpoints: str) -> None:
        """Start everything; `registry` and `worker1`… name failpoints to arm."""
        others = [f"registry{n + 1}" for n in range(1, registries)]
        self.ports |= {name: free_port() for name in others}
        for name in ("nats", "registry", *(f"worker{n + 1}" for n in range(workers))):
            self.launch(name, failpoints.get(name, ""))
        service = await self._stack.enter_async_context(
            channel(self.target, self.tokens.service, self.tokens.user)
        )
        user = await self._stack.enter_async_context(channel(self.target, self.tokens.user))
        self.intake, self.jobs = JobIntakeServiceStub(service), JobServiceStub(user)
        self.dataset_id = self.dataset_id or await self._upload()
        # Only now: a registry that starts clears the folder of uploads, which is one home's alone.
        for name in others:
            self.launch(name, failpoints.get(name, ""))

    async def submit(
        self, *, hard_limit_seconds: int = 60, deadline_seconds: int = 0, **spec: object
    ) -> str:
        """Submit a job as a client does that repeats itself until it is answered."""
        config = AnyMessage()
        config.Pack(TrainRequest(dataset_id=self.dataset_id, target_column="outcome"))
        request = SubmitJobRequest(
            service="fake",
            model_type="fake.tabular",
            config=config,
            inputs=[JobInput(role="training", dataset_id=self.dataset_id)],
            model_name="model",
            description=json.dumps(spec),
            hard_limit_seconds=hard_limit_seconds,
            deadline_seconds=deadline_seconds,
            request_id=str(uuid.uuid4()),
        )

        async def ask() -> job_pb2.Job:
            self.history.add("submitting", request_id=request.request_id)
            return await self.intake.SubmitJob(request, timeout=5)

        job_id = (await answered(ask)).job_id
        self.history.add("acknowledged", request_id=request.request_id, job_id=job_id)
        self.acknowledged.add(job_id)
        return job_id

    async def job(self, job_id: str) -> job_pb2.Job:
        request = GetJobRequest(job_id=job_id)
        job = await answered(lambda: self.jobs.GetJob(request, timeout=5))
        self.history.add(
            "seen",
            job_id=job_id,
            state=job.state,
            attempt=job.attempt,
            sequence=job.last_sequence,
            model_id=job.model_id,
        )
        return job

    async def cancel(self, job_id: str) -> job_pb2.Job:
        request = CancelJobRequest(job_id=job_id)
        return await answered(lambda: self.jobs.CancelJob(request, timeout=5))

    async def until(self, job_id: str, *, attempt: int = 1) -> job_pb2.Job:
        """Wait until an attempt has reported something."""

        def reported(job: job_pb2.Job) -> bool:
            assert job.state not in TERMINAL_STATES, job
            running = job.state == job_pb2.JOB_STATE_RUNNING and job.attempt >= attempt
            return running and job.last_sequence > 2 * attempt

        return await self._poll(job_id, reported)

    async def ended(self, job_id: str) -> job_pb2.Job:
        """Wait for the end of a job."""
        return await self._poll(job_id, lambda job: job.state in TERMINAL_STATES)

    async def watch(self, job_id: str) -> None:
        """Watch a job to its end, going on where a stream broke off."""
        watch, position = str(uuid.uuid4()), WatchRequest(job_id=job_id)
        while True:
            try:
                async for event in self.jobs.WatchJob(position):
                    position.resume_token = event.resume_token
                    if event.WhichOneof("event") not in ("snapshot", "heartbeat"):
                        self._note_event(watch, event)
            except grpc.aio.AioRpcError as error:
                if error.code() not in NO_ANSWER:
                    raise
            else:
                return
            await asyncio.sleep(0.1)

    async def settle(self) -> None:
        """Lift every fault and wait for the end of every job."""
        for name in list(self.kept_down):
            self.bring_up(name)
        for job_id in sorted(self.acknowledged):
            await self.ended(job_id)

    def refused(self) -> Counter[str]:
        """Return how many stale writes the registries have refused, by method."""
        refused: Counter[str] = Counter()
        for log in self.home.glob("registry*.log"):
            lines = [line for line in log.read_text().splitlines() if "STALE_ATTEMPT" in line]
            calls = [json.loads(line) for line in lines]
            refused.update(call["method"].rpartition("/")[2] for call in calls)
        return refused

    async def stop(self) -> None:
        await self._stack.aclose()
        await super().stop()

    def _note_event(self, watch: str, event: JobEvent) -> None:
        self.history.add(
            "event",
            watch=watch,
            job_id=event.job_id,
            sequence=event.sequence,
            covers=event.coalesced_from or event.sequence,
        )

    async def _poll(self, job_id: str, reached: Callable[[job_pb2.Job], bool]) -> job_pb2.Job:
        # A watch would end with the registry that the test kills.
        while True:
            job = await self.job(job_id)
            if reached(job):
                return job
            await asyncio.sleep(0.05)

    async def _upload(self) -> str:
        table = self.home / "genes.csv"
        table.write_text("gene1,outcome\n" + "".join(f"{n},{n % 2}\n" for n in range(30)))

        def upload() -> str:
            with Client(f"127.0.0.1:{self.ports['registry']}", self.tokens.user) as client:
                return client.datasets.upload(table, name="genes").dataset_id

        while True:
            try:
                return await asyncio.to_thread(upload)
            except OmniscopeError as error:
                if error.code != "UNAVAILABLE":  # it is starting; a test has its time limit
                    raise
            await asyncio.sleep(0.1)


AnswerT = TypeVar("AnswerT")


async def answered(call: Callable[[], Awaitable[AnswerT]]) -> AnswerT:
    """Repeat a call until there is an answer, as clients do."""
    while True:
        try:
            return await call()
        except grpc.aio.AioRpcError as error:
            if error.code() not in NO_ANSWER:
                raise
        await asyncio.sleep(0.1)
