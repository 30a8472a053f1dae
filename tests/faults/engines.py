"""A cluster whose one worker is a real training service with its real engine."""

import asyncio
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from omniscope.common.v1.job_event_pb2 import (
    JOB_EVENT_TYPE_LOG_LINE,
    JobEvent,
    JobEventType,
)
from omniscope.registry.v1.job_service_pb2 import ListJobEventsRequest
from omniscope_client.client import Client
from omniscope_service.testing.serving import channel
from omniscope_service.watch import TERMINAL_STATES
from tests.faults.cluster import Cluster, answered
from tests.faults.processes import free_port


class EngineCluster(Cluster):
    """A cluster for trainings of one service.

    Args:
        home: Home of the processes.
        service: Its short name; API and worker are one process.
        stub: Makes its stub for a channel.
    """

    def __init__(self, home: Path, service: str, stub: Callable[..., Any]) -> None:
        super().__init__(home)
        self._service, self._stub = service, stub
        self._address = f"127.0.0.1:{free_port()}"
        # Trainings of real engines leave the worker little of two processors.
        self.extra = {
            f"OMNISCOPE_{service.upper()}_LISTEN": self._address,
            "OMNISCOPE_REGISTRY_LEASE_SECONDS": "10",
        }

    def _command(self, name: str) -> list[str]:
        if name.startswith("worker"):
            return [sys.executable, "-m", f"omniscope_{self._service}", "all"]
        return super()._command(name)

    async def upload(self, path: Path, name: str) -> None:
        """Store a table under a name."""

        def upload() -> None:
            with Client(f"127.0.0.1:{self.ports['registry']}", self.tokens.user) as client:
                client.datasets.upload(path, name=name)

        await asyncio.to_thread(upload)

    async def train(self, request: Any) -> str:
        """Ask for a training as a client does that repeats itself until it is answered."""
        request.request_id = str(uuid.uuid4())
        self.history.add("submitting", request_id=request.request_id)
        async with channel(self._address, self.tokens.user) as to_service:
            stub = self._stub(to_service)
            job = await answered(lambda: stub.Train(request, timeout=30))
        self.history.add("acknowledged", request_id=request.request_id, job_id=job.job_id)
        self.acknowledged.add(job.job_id)
        return str(job.job_id)

    async def events(self, job_id: str, kind: JobEventType.ValueType) -> list[JobEvent]:
        """Return a job's events of one kind."""
        request = ListJobEventsRequest(job_id=job_id, event_types=[kind], page_size=500)
        events: list[JobEvent] = []
        while True:
            page = await answered(lambda: self.jobs.ListJobEvents(request, timeout=5))
            events.extend(page.events)
            if not page.next_page_token:
                return events
            request.page_token = page.next_page_token

    async def until_events(self, job_id: str, kind: JobEventType.ValueType, count: int) -> None:
        """Wait until a job that goes on has so many events of a kind."""
        while len(await self.events(job_id, kind)) < count:
            job = await self.job(job_id)
            assert job.state not in TERMINAL_STATES, (job, await self.log_lines(job_id))
            await asyncio.sleep(0.1)

    async def log_lines(self, job_id: str) -> list[str]:
        """Return what a job has said."""
        events = await self.events(job_id, JOB_EVENT_TYPE_LOG_LINE)
        return [event.log_line.text for event in events]
