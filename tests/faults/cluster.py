"""Real processes that a test may kill: a registry, a broker, workers; fast clocks."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import TypeVar

import grpc.aio
import psutil
from google.protobuf.any_pb2 import Any as AnyMessage

from omniscope.automl.v1.automl_service_pb2 import TrainRequest
from omniscope.common.v1 import job_pb2
from omniscope.registry.v1.job_intake_service_pb2 import SubmitJobRequest
from omniscope.registry.v1.job_intake_service_pb2_grpc import JobIntakeServiceStub
from omniscope.registry.v1.job_service_pb2 import GetJobRequest
from omniscope.registry.v1.job_service_pb2_grpc import JobServiceStub
from omniscope_client.client import Client
from omniscope_client.errors import OmniscopeError
from omniscope_local.nats import nats_command
from omniscope_service.rpc.auth import LocalTokens
from omniscope_service.testing.serving import channel

PROJECT = Path(__file__).parents[2]
FAST = {
    "OMNISCOPE_REGISTRY_LEASE_SECONDS": "2",
    "OMNISCOPE_REGISTRY_HEARTBEAT_SECONDS": "0.5",
    "OMNISCOPE_REGISTRY_HINT_SECONDS": "2",
    "OMNISCOPE_REGISTRY_SWEEP_SECONDS": "0.25",
    "OMNISCOPE_REGISTRY_CANCEL_GRACE_SECONDS": "3",
}
ENDED = {
    job_pb2.JOB_STATE_SUCCEEDED,
    job_pb2.JOB_STATE_FAILED,
    job_pb2.JOB_STATE_CANCELLED,
    job_pb2.JOB_STATE_TIMED_OUT,
    job_pb2.JOB_STATE_QUARANTINED,
}


class Cluster:
    """A suite of processes; one that a failpoint has killed is started again without it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.acknowledged: set[str] = set()
        self.tokens = LocalTokens.read(home)
        self.registry_port, self.nats_port = free_port(), free_port()
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self._stack = AsyncExitStack()
        self._watching: asyncio.Task[None] | None = None
        self.kept_down: set[str] = set()

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.registry_port}"

    async def start(self, *, workers: int = 1, **failpoints: str) -> None:
        """Start everything; `registry` and `worker1`… name failpoints to arm."""
        for name in ("nats", "registry", *(f"worker{n + 1}" for n in range(workers))):
            self.launch(name, failpoints.get(name, ""))
        service = await self._stack.enter_async_context(
            channel(self.target, self.tokens.service, self.tokens.user)
        )
        user = await self._stack.enter_async_context(channel(self.target, self.tokens.user))
        self.intake, self.jobs = JobIntakeServiceStub(service), JobServiceStub(user)
        self._watching = asyncio.create_task(self._restart_the_dead())
        self.dataset_id = await self._upload()

    def launch(self, name: str, failpoints: str = "") -> None:
        log = (self.home / f"{name}.log").open("ab")
        with log:
            self.running[name] = subprocess.Popen(
                self._command(name),
                env=self._environment(failpoints),
                cwd=PROJECT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def kill(self, name: str, *, keep_down: bool = False) -> None:
        """End a process as a power cut would."""
        if keep_down:
            self.kept_down.add(name)
        self.running[name].kill()
        self.running[name].wait()

    async def submit(self, **spec: object) -> str:
        """Submit a job as a client does that repeats itself until it is answered."""
        config = AnyMessage()
        config.Pack(TrainRequest(dataset_id=self.dataset_id, target_column="outcome"))
        request = SubmitJobRequest(
            service="fake",
            model_type="fake.tabular",
            config=config,
            dataset_id=self.dataset_id,
            model_name="model",
            description=json.dumps(spec),
            hard_limit_seconds=60,
            request_id=str(uuid.uuid4()),
        )
        job = await answered(lambda: self.intake.SubmitJob(request, timeout=5))
        self.acknowledged.add(job.job_id)
        return job.job_id

    async def job(self, job_id: str) -> job_pb2.Job:
        return await answered(lambda: self.jobs.GetJob(GetJobRequest(job_id=job_id), timeout=5))

    async def until(self, job_id: str, *, attempt: int = 1) -> job_pb2.Job:
        """Wait until an attempt has reported something."""

        def reported(job: job_pb2.Job) -> bool:
            assert job.state not in ENDED, job
            running = job.state == job_pb2.JOB_STATE_RUNNING and job.attempt >= attempt
            return running and job.last_sequence > 2 * attempt

        return await self._poll(job_id, reported)

    async def ended(self, job_id: str) -> job_pb2.Job:
        """Wait for the end of a job."""
        return await self._poll(job_id, lambda job: job.state in ENDED)

    async def _poll(self, job_id: str, reached: Callable[[job_pb2.Job], bool]) -> job_pb2.Job:
        # A watch would end with the registry that the test kills.
        while True:
            job = await self.job(job_id)
            if reached(job):
                return job
            await asyncio.sleep(0.05)

    async def stop(self) -> None:
        """End everything; also what a test has paused."""
        if self._watching is not None:
            self._watching.cancel()
        await self._stack.aclose()
        for name in sorted(self.running, reverse=True):
            process = self.running[name]
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in self.running.values():
            await asyncio.to_thread(process.wait)

    def children(self) -> list[psutil.Process]:
        """Return the training processes that belong to this cluster."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if "tests.faults.trainer" in process.cmdline() and self._is_ours(process):
                    found.append(process)
        return found

    def _is_ours(self, process: psutil.Process) -> bool:
        return process.environ().get("TMPDIR") == str(self.home)

    async def _restart_the_dead(self) -> None:
        while True:
            for name, process in list(self.running.items()):
                if process.poll() is not None and name not in self.kept_down:
                    self.launch(name)
            await asyncio.sleep(0.05)

    def _command(self, name: str) -> list[str]:
        if name == "nats":
            return nats_command(self.home / "nats", self.nats_port, "secret")
        if name == "registry":
            return [sys.executable, "-m", "omniscope_registry", "serve"]
        return [sys.executable, "-m", "tests.faults.worker_process"]

    def _environment(self, failpoints: str) -> dict[str, str]:
        return (
            os.environ
            | FAST
            | {
                "OMNISCOPE_HOME": str(self.home),
                "OMNISCOPE_NATS_URL": f"nats://secret@127.0.0.1:{self.nats_port}",
                "OMNISCOPE_REGISTRY_TARGET": self.target,
                "OMNISCOPE_REGISTRY_LISTEN": self.target,
                "OMNISCOPE_FAILPOINTS": failpoints,
                "PYTHONPATH": str(PROJECT),
                "TMPDIR": str(self.home),  # passed on to children, which it tells apart
            }
        )

    async def _upload(self) -> str:
        table = self.home / "genes.csv"
        table.write_text("gene1,outcome\n" + "".join(f"{n},{n % 2}\n" for n in range(30)))

        def upload() -> str:
            with Client(self.target, self.tokens.user) as client:
                return client.datasets.upload(table, name="genes").dataset_id

        while True:
            try:
                return await asyncio.to_thread(upload)
            except OmniscopeError:  # it is starting; a test has a time limit of its own
                await asyncio.sleep(0.1)


AnswerT = TypeVar("AnswerT")


async def answered(call: Callable[[], Awaitable[AnswerT]]) -> AnswerT:
    """Repeat a call until there is an answer, as clients do."""
    while True:
        try:
            return await call()
        except grpc.aio.AioRpcError as error:
            if error.code() not in (
                grpc.StatusCode.UNAVAILABLE,
                grpc.StatusCode.DEADLINE_EXCEEDED,
            ):
                raise
        await asyncio.sleep(0.1)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
