"""Attempts of workers that died: recorded while they run, reported by the worker that comes after.

So nobody waits for their leases to run out.
"""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Self

import structlog

from omniscope.common.v1.job_pb2 import JobError
from omniscope.registry.v1.worker_service_pb2 import (
    FAILURE_CAUSE_INFRASTRUCTURE,
    AttemptLease,
    FailJobRequest,
)
from omniscope_service.errors import ServiceError
from omniscope_service.jobs import process_tree
from omniscope_service.jobs.retry import retry_until_answered
from omniscope_service.jobs.work_folder import WorkFolder

if TYPE_CHECKING:
    from pathlib import Path

    from omniscope.registry.v1.worker_service_pb2_grpc import WorkerServiceAsyncStub

_SUFFIX = ".lease"
# A training ends within a second of its worker.
_TRAINING_SECONDS = 5.0

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """An attempt that runs, or ran when its worker died.

    Attributes:
        lease_token: Proves the right to end the attempt. Secret.
        pid: Process that stands above the training; None before there is one.
    """

    job_id: str
    attempt: int
    lease_token: str = field(repr=False)
    pid: int | None = None

    @classmethod
    def of(cls, lease: AttemptLease) -> Self:
        """Return the record of an attempt that starts."""
        return cls(lease.job_id, lease.attempt, lease.lease_token)

    @property
    def lease(self) -> AttemptLease:
        """The lease as the registry expects it."""
        return AttemptLease(job_id=self.job_id, attempt=self.attempt, lease_token=self.lease_token)


class RunningAttempts:
    """Records of a worker's running attempts: one file each, readable by its user alone.

    They lie beside the attempts' folders, not in them: training code has no business with leases.

    Args:
        folder: The worker's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, lease: AttemptLease) -> None:
        """Record an attempt that starts."""
        self._write(AttemptRecord.of(lease))

    def set_child(self, lease: AttemptLease, pid: int) -> None:
        """Record the process that an attempt trains in."""
        self._write(replace(AttemptRecord.of(lease), pid=pid))

    def remove(self, lease: AttemptLease) -> None:
        """Remove the record of an attempt that has ended."""
        self._path(lease.job_id, lease.attempt).unlink(missing_ok=True)

    def list(self) -> list[AttemptRecord]:
        """Return the records that were not removed."""
        paths = sorted(self._folder.glob(f"*{_SUFFIX}"))
        return [found for path in paths if (found := _parsed(path.read_bytes()))]

    def _write(self, record: AttemptRecord) -> None:
        path = self._path(record.job_id, record.attempt)
        part = path.with_suffix(".part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(record), file)
        part.replace(path)  # whole, or not there: the worker may die at any moment

    def _path(self, job_id: str, attempt: int) -> Path:
        return self._folder / f"{job_id}-{attempt}{_SUFFIX}"


async def report_lost_attempts(registry: WorkerServiceAsyncStub, work: Path) -> None:
    """End the attempts of dead workers in the registry and remove their folders.

    Attempts that are not reported when this is cancelled are left to the next worker that starts.

    Args:
        registry: Stub of the registry.
        work: Folder of the workers' folders.
    """
    with ExitStack() as ours:
        folders = WorkFolder.take_over(work)
        for folder in folders:
            ours.callback(folder.release)
        for folder in folders:
            for record in RunningAttempts(folder.path).list():
                await _report(registry, record)
            await asyncio.to_thread(folder.remove)


async def _report(registry: WorkerServiceAsyncStub, record: AttemptRecord) -> None:
    if record.pid is not None:
        # The next attempt shall not share the machine with the rest of this one.
        await asyncio.to_thread(process_tree.wait_for_end, record.pid, _TRAINING_SECONDS)
    request = FailJobRequest(
        lease=record.lease,
        cause=FAILURE_CAUSE_INFRASTRUCTURE,
        error=JobError(
            code="UNAVAILABLE", reason="WORKER_LOST", message="The worker process ended."
        ),
    )
    about = {"job_id": record.job_id, "attempt": record.attempt}
    try:
        await retry_until_answered(lambda: registry.FailJob(request))
    except ServiceError as error:
        # Most often it had ended before its worker did: then it is not ours to end.
        _log.info("lost attempt not taken", reason=error.reason, **about)
    else:
        _log.warning("lost attempt reported", **about)


def _parsed(data: bytes) -> AttemptRecord | None:
    try:
        return AttemptRecord(**json.loads(data))
    except (ValueError, TypeError) as error:
        # Of another version of the suite: its lease runs out by itself.
        _log.warning("attempt record not understood", error=str(error))
        return None
