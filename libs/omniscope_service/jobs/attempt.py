"""One attempt at a job, from its grant to its end."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from omniscope.common.v1.job_event_pb2 import JobEvent
from omniscope_service.errors import ServiceError
from omniscope_service.jobs.checkpoints.resume import fetch_newest
from omniscope_service.jobs.checkpoints.sender import CheckpointSender
from omniscope_service.jobs.convert import event_from_frame, log_line
from omniscope_service.jobs.event_sender import EventSender
from omniscope_service.jobs.outcome import (
    Failed,
    Outcome,
    OutcomeReporter,
    failure_of_error,
    failure_over_memory,
    outcome_of_child,
    outcome_of_stop,
)
from omniscope_service.jobs.report import JobPaths
from omniscope_service.jobs.stop import LeaseHeartbeat, LimitWatchdog, StopCause, StopSignal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
    from pathlib import Path

    from omniscope.registry.v1.worker_service_pb2 import ClaimJobResponse
    from omniscope.registry.v1.worker_service_pb2_grpc import WorkerServiceAsyncStub
    from omniscope_service.artifacts import ArtifactStore
    from omniscope_service.events.bus import EventBus
    from omniscope_service.jobs.frames import Frame
    from omniscope_service.jobs.inputs.fetch import InputFetcher
    from omniscope_service.jobs.launcher import Child
    from omniscope_service.jobs.lost_attempts import RunningAttempts
    from omniscope_service.jobs.warm import WarmChild

LOGGED_LINES = 2000
"""Lines of an attempt's output that are shown to its watchers."""
_FINISHING = 3
"""How many times the grace a training gets at a limit: it measures and packs what it has."""
_CHECKPOINT_SECONDS = 20.0
"""How long an attempt that ends waits for its newest checkpoint to be stored."""


@dataclass(frozen=True, slots=True)
class WorkerResources:
    """Clients, caches and limits that all attempts of a worker share.

    Attributes:
        registry: Stub of the registry's WorkerService.
        bus: Where control hints come from.
        artifacts: Where packages go.
        inputs: Where datasets and model packages come from.
        warm: Where children come from.
        folder: Where attempts have their folders.
        running: Records of running attempts.
        spec_from_claim: Makes the trainer's spec of a granted claim.
        grace_seconds: Time between SIGTERM and SIGKILL.
        silence_seconds: A child that says nothing for this long is stopped.
        child_memory_bytes: A child that holds more is killed.
    """

    registry: WorkerServiceAsyncStub
    bus: EventBus
    artifacts: ArtifactStore
    inputs: InputFetcher
    warm: WarmChild
    folder: Path
    running: RunningAttempts
    spec_from_claim: Callable[[ClaimJobResponse], Mapping[str, object]]
    grace_seconds: float
    silence_seconds: float
    child_memory_bytes: int


class Attempt:
    """Trains in a child while the lease is kept, then completes or fails the job.

    Args:
        grant: The claim.
        resources: Shared with the worker's other attempts.
    """

    def __init__(self, grant: ClaimJobResponse, resources: WorkerResources) -> None:
        self.stop = StopSignal()
        self._grant = grant
        self._resources = resources
        self._heartbeat = LeaseHeartbeat(resources.registry, grant, self.stop)
        self._limits = LimitWatchdog(grant, self.stop)
        self._events = EventSender(resources.registry, grant.lease, self.stop)
        self._folder = resources.folder / f"{grant.lease.job_id}-{grant.lease.attempt}"
        self._checkpoints = CheckpointSender(
            resources.registry, resources.artifacts, grant, self._folder / "checkpoints", self.stop
        )
        self._reporter = OutcomeReporter(grant, resources.registry, resources.artifacts)
        self._child: Child | None = None
        self._lines = 0

    async def run(self) -> None:
        """Run the attempt to its end; whatever happens, no process and no file of it is left."""
        try:
            async with _in_background(
                self._heartbeat.send(),
                self._heartbeat.watch_control_hints(self._resources.bus),
                self._events.send(),
                self._checkpoints.send(),
                self._limits.watch_time(),
                self._limits.watch_deadline(),
                self._limits.watch_silence(self._resources.silence_seconds),
                self._limits.watch_memory(lambda: self._child, self._resources.child_memory_bytes),
            ):
                await self._report(await self._train_until_stopped())
        finally:
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    async def fail(self, failed: Failed) -> None:
        """Report that the attempt ended without a result."""
        await self._reporter.fail(failed)

    async def _train_until_stopped(self) -> Outcome:
        training = asyncio.create_task(self._train())
        stopping = asyncio.create_task(self.stop.wait())
        try:
            await asyncio.wait({training, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if training.done():
                return training.result()
            outcome = await self._interrupt(training)
            if stopping.result() is StopCause.OUT_OF_MEMORY:
                return failure_over_memory(
                    self._limits.peak_bytes, self._resources.child_memory_bytes
                )
            # Perhaps another one by now: somebody cancelled what was being finished.
            return outcome_of_stop(self.stop.cause or stopping.result(), outcome)
        finally:
            stopping.cancel()
            training.cancel()
            await asyncio.wait({training, stopping})
            if self._child is not None:
                await self._child.close()

    async def _train(self) -> Outcome:
        """Run the child from its start to its end."""
        self._resources.warm.prepare()  # a cold child warms up while inputs are fetched
        try:
            spec = self._resources.spec_from_claim(self._grant)
            paths = await self._make_paths()
            self._child = await self._resources.warm.take()
            self._resources.running.set_child(self._grant.lease, self._child.pid)
        except (ServiceError, OSError) as error:
            return failure_of_error(error)
        self._limits.record_activity()
        await self._child.start(spec, paths)
        result = await self._follow(self._child)
        return outcome_of_child(result, await self._child.wait())

    async def _interrupt(self, training: asyncio.Task[Outcome]) -> Outcome | None:
        """End the training; return its outcome, None when it had not begun."""
        if self._child is None:
            return None
        match self.stop.cause:
            case StopCause.LEASE_LOST | StopCause.OUT_OF_MEMORY:
                await self._child.stop(0)
            case StopCause.DEADLINE | StopCause.JOB_DEADLINE:
                await self._child.finish(_FINISHING * self._resources.grace_seconds)
            case _:
                await self._child.stop(self._resources.grace_seconds)
        return await training

    async def _make_paths(self) -> JobPaths:
        inputs = await self._resources.inputs.fetch(self._grant, self._folder / "inputs")
        paths = JobPaths.below(self._folder, inputs, await self._fetch_checkpoint())
        for folder in (paths.workspace, paths.package, paths.checkpoints):
            folder.mkdir(mode=0o700, parents=True)
        return paths

    async def _fetch_checkpoint(self) -> Path | None:
        resumed = await fetch_newest(
            self._resources.artifacts, self._grant.checkpoints, self._folder / "resume"
        )
        if resumed is None:
            return None
        text = f"Going on from step {resumed.step}, which attempt {resumed.attempt} has stored."
        await self._events.put(JobEvent(log_line=log_line(text, "info")))
        return resumed.folder

    async def _follow(self, child: Child) -> Frame | None:
        """Pass on the child's reports to the last one; return its result."""
        result = None
        async for frame in child.messages():
            self._limits.record_activity()
            event = event_from_frame(frame)
            if frame["type"] == "checkpoint":
                await self._checkpoints.put(frame["name"])
            elif event is None:
                result = frame
            elif event.HasField("log_line"):
                await self._put_line(event)
            else:
                await self._events.put(event)
        return result

    async def _put_line(self, event: JobEvent) -> None:
        self._lines += 1
        if self._lines < LOGGED_LINES:
            await self._events.put(event)
        elif self._lines == LOGGED_LINES:
            note = log_line("Further output is not shown.", "warning")
            await self._events.put(JobEvent(log_line=note))

    async def _report(self, outcome: Outcome) -> None:
        await self._events.drain()
        if self.stop.cause is StopCause.LEASE_LOST:
            self._reporter.abandon()
            return
        failed = (
            outcome
            if isinstance(outcome, Failed)
            else await self._reporter.complete(outcome, self._folder / "package", self.stop)
        )
        if failed is not None:
            if failed.retryable:
                await self._checkpoints.drain(_CHECKPOINT_SECONDS)
            await self.fail(failed)


@asynccontextmanager
async def _in_background(*loops: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Run loops beside the body; the end of the body ends them, an error of theirs the body."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(loop) for loop in loops]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
