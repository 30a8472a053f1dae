"""The worker's loop: announce, claim, train, next; without a job wait for a hint."""

from __future__ import annotations

import asyncio
import random
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from ulid import ULID

from omniscope.registry.v1.worker_service_pb2 import AnnounceWorkerRequest, ClaimJobRequest
from omniscope_service import failpoints
from omniscope_service.errors import ServiceError
from omniscope_service.jobs.attempt import Attempt, WorkerResources
from omniscope_service.jobs.inputs.cache import ContentCache
from omniscope_service.jobs.inputs.fetch import InputFetcher
from omniscope_service.jobs.launcher import LocalLauncher
from omniscope_service.jobs.lost_attempts import RunningAttempts, report_lost_attempts
from omniscope_service.jobs.machine_slots import MachineSlots
from omniscope_service.jobs.outcome import failure_of_defect
from omniscope_service.jobs.retry import NO_ANSWER, retry_until_answered
from omniscope_service.jobs.stop import StopCause
from omniscope_service.jobs.warm import WarmChild
from omniscope_service.jobs.work_folder import WorkFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from omniscope.registry.v1.worker_service_pb2 import ClaimJobResponse
    from omniscope_service.artifacts import ArtifactStore
    from omniscope_service.events.hints import Hint
    from omniscope_service.events.nats import NatsBus
    from omniscope_service.registry_client import RegistryClient

# Short, because a fetch cannot be cancelled: this is how long a stop may wait for it.
_FETCH_SECONDS = 1.0
_CLAIM_SECONDS = 20.0
_ANNOUNCE_SECONDS = 15.0
_AGAIN_SECONDS = (5.0, 30.0)

DEFAULT_CACHE_BYTES = 20 * 2**30
"""Inputs of one kind that a machine keeps."""

_log = structlog.get_logger()


@dataclass(frozen=True)
class WorkerDefinition:
    """The jobs that a worker can run, and how.

    Attributes:
        service: Service whose jobs it runs.
        resource_class: `cpu` or `gpu`.
        slots: Jobs at a time.
        trainer: Module that trains, imported in children only; see `jobs.child`.
        spec_from_claim: Makes the trainer's spec of a granted claim; the result must be JSON.
            Raises `InvalidArgument` when the job's configuration cannot be understood.
        versions: Versions of the suite and its engines, by package name.
    """

    service: str
    resource_class: str
    slots: int
    trainer: str
    spec_from_claim: Callable[[ClaimJobResponse], Mapping[str, object]]
    versions: Mapping[str, str]


class Worker:
    """Runs the jobs of one service, each in a child process of its own.

    Args:
        definition: The jobs that it can run.
        registry: Client with the worker's token.
        bus: Where hints come from.
        artifacts: Where inputs come from and packages go.
        home: Folder that holds the caches of inputs and the attempts' folders.
        keep_warm_seconds: How long an idle child is kept.
        grace_seconds: Time that a child gets between SIGTERM and SIGKILL.
        silence_seconds: A child that neither reports nor prints for this long is stopped.
        child_memory_bytes: A child that holds more is killed, before the kernel kills the worker
            with it.
        dataset_cache_bytes: Datasets that are kept for later jobs; those in use may be more.
        package_cache_bytes: Model packages that are kept for later jobs; likewise.
        machine_slots: Jobs that all workers of the home run at a time; 0: each has its own slots.
    """

    def __init__(
        self,
        definition: WorkerDefinition,
        registry: RegistryClient,
        bus: NatsBus,
        artifacts: ArtifactStore,
        home: Path,
        *,
        keep_warm_seconds: float = 600.0,
        grace_seconds: float = 20.0,
        silence_seconds: float = 1800.0,
        child_memory_bytes: int,
        dataset_cache_bytes: int = DEFAULT_CACHE_BYTES,
        package_cache_bytes: int = DEFAULT_CACHE_BYTES,
        machine_slots: int = 0,
    ) -> None:
        self.worker_id = str(ULID())
        self._definition = definition
        self._registry = registry.workers
        self._bus = bus
        self._warm = WarmChild(LocalLauncher(definition.trainer), keep_warm_seconds)
        folder = home / "work" / self.worker_id
        self._resources = WorkerResources(
            registry=registry.workers,
            bus=bus,
            artifacts=artifacts,
            inputs=InputFetcher(
                artifacts,
                datasets=ContentCache(home / "cache", dataset_cache_bytes),
                packages=ContentCache(home / "package_cache", package_cache_bytes),
            ),
            warm=self._warm,
            folder=folder,
            running=RunningAttempts(folder),
            spec_from_claim=definition.spec_from_claim,
            grace_seconds=grace_seconds,
            silence_seconds=silence_seconds,
            child_memory_bytes=child_memory_bytes,
        )
        self._machine = MachineSlots(home / "slots", machine_slots)
        self._attempts: set[Attempt] = set()

    def warm_up(self) -> None:
        """Begin to warm a child unless there is one, so that the next job starts at once."""
        self._warm.prepare()

    async def run(self, stop: asyncio.Event) -> None:
        """Run jobs until `stop` is set; then hand back what is running and return."""
        folder = await asyncio.to_thread(WorkFolder.open, self._resources.folder)
        try:
            async with asyncio.TaskGroup() as group:
                background = [
                    group.create_task(self._announce()),
                    group.create_task(self._preempt(stop)),
                    group.create_task(report_lost_attempts(self._registry, folder.path.parent)),
                ]
                async with asyncio.TaskGroup() as slots:
                    for _ in range(self._definition.slots):
                        slots.create_task(self._work(stop))
                for task in background:
                    task.cancel()
        finally:
            await self._warm.close()
            await asyncio.to_thread(folder.remove)

    async def _work(self, stop: asyncio.Event) -> None:
        """Run one job after the other: one slot."""
        hints = self._bus.hints(self._definition.service, self._definition.resource_class)
        # Without a hint at first, and after each job: others may have been told of what waits.
        more = True
        while not stop.is_set():
            hint = None if more else await hints.fetch(_FETCH_SECONDS)
            if hint is not None:
                await failpoints.reach("worker.after_fetch")
            if more or hint is not None:
                more = await self._run_next(hint, stop)

    async def _run_next(self, hint: Hint | None, stop: asyncio.Event) -> bool:
        """Run the next job as soon as the machine has a slot for it; it is queued until then.

        The hint, if one came, goes on to other workers before this one waits or works: it is the
        only one of its kind.

        Returns:
            Whether there may be another job.
        """
        pass_on = _nothing if hint is None else hint.pass_on
        async with self._machine.slot(stop, pass_on) as acquired:
            if not acquired:
                await pass_on()
                return False
            try:
                grant = await self._claim(stop)
            except ServiceError as error:
                # There may be work, which only this worker cannot have: others take it.
                _log.warning("claim failed", reason=error.reason)
                if hint is not None:
                    await hint.pass_on(random.uniform(*_AGAIN_SECONDS))  # noqa: S311 - spreads
                return isinstance(error, NO_ANSWER)
            if grant is None:
                if hint is not None:
                    await hint.ack()
                return False
            await failpoints.reach("worker.after_claim")
            await pass_on()
            await failpoints.reach("worker.after_pass_on")
            await self._run(grant, stop)
        return True

    async def _claim(self, stop: asyncio.Event) -> ClaimJobResponse | None:
        """Claim the next job; None when there is none: the lease says who works on a job.

        Raises:
            ServiceError: The registry is away (one of `NO_ANSWER`), or refuses this worker.
        """
        request = ClaimJobRequest(
            worker_id=self.worker_id,
            claim_id=str(uuid.uuid4()),
            service=self._definition.service,
            resource_class=self._definition.resource_class,
        )
        grant = await retry_until_answered(
            lambda: self._registry.ClaimJob(request), _CLAIM_SECONDS, stop
        )
        return grant if grant.HasField("lease") else None

    async def _run(self, grant: ClaimJobResponse, stop: asyncio.Event) -> None:
        _log.info("attempt starts", job_id=grant.lease.job_id, attempt=grant.lease.attempt)
        attempt = Attempt(grant, self._resources)
        self._attempts.add(attempt)
        if stop.is_set():
            attempt.stop.request(StopCause.PREEMPTED)
        try:
            self._resources.running.add(grant.lease)
            await attempt.run()
        except Exception:  # noqa: BLE001 - the outermost frame of a job: the next one must run
            _log.exception("attempt broke", job_id=grant.lease.job_id)
            await attempt.fail(failure_of_defect())
        finally:
            self._attempts.discard(attempt)
            self._resources.running.remove(grant.lease)
        if not stop.is_set():
            self._warm.prepare()

    async def _announce(self) -> None:
        """Announce this worker at every interval."""
        request = AnnounceWorkerRequest(
            worker_id=self.worker_id,
            service=self._definition.service,
            resource_class=self._definition.resource_class,
            slots=self._definition.slots,
            versions=dict(self._definition.versions),
        )
        interval = _ANNOUNCE_SECONDS
        while True:
            try:
                answer = await self._registry.AnnounceWorker(request)
                interval = answer.heartbeat_interval.ToTimedelta().total_seconds()
            except ServiceError as error:
                _log.warning("worker not announced", reason=error.reason)
            await asyncio.sleep(interval)

    async def _preempt(self, stop: asyncio.Event) -> None:
        await stop.wait()
        for attempt in self._attempts:
            attempt.stop.request(StopCause.PREEMPTED)


async def _nothing() -> None:
    """Do nothing."""
