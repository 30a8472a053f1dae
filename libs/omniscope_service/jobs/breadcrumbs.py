"""What a worker notes about its running attempts, for the worker that comes after its death."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Self

import structlog

from omniscope.registry.v1.worker_service_pb2 import AttemptLease

if TYPE_CHECKING:
    from pathlib import Path

_SUFFIX = ".lease"

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Breadcrumb:
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
        """Return what is noted of an attempt when it starts."""
        return cls(lease.job_id, lease.attempt, lease.lease_token)

    @property
    def lease(self) -> AttemptLease:
        """The lease as the registry wants it."""
        return AttemptLease(job_id=self.job_id, attempt=self.attempt, lease_token=self.lease_token)


class Breadcrumbs:
    """One file per running attempt, readable by the worker's user alone.

    They lie beside the attempts' folders, not in them: training code has no business with leases.

    Args:
        folder: The worker's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def leave(self, lease: AttemptLease) -> None:
        """Note that an attempt starts."""
        self._write(Breadcrumb.of(lease))

    def note_child(self, lease: AttemptLease, pid: int) -> None:
        """Note which process the attempt trains in."""
        self._write(replace(Breadcrumb.of(lease), pid=pid))

    def remove(self, lease: AttemptLease) -> None:
        """Forget an attempt that has ended."""
        self._path(lease.job_id, lease.attempt).unlink(missing_ok=True)

    def read(self) -> list[Breadcrumb]:
        """Return what was noted and not removed."""
        paths = sorted(self._folder.glob(f"*{_SUFFIX}"))
        return [found for path in paths if (found := _parsed(path.read_bytes()))]

    def _write(self, breadcrumb: Breadcrumb) -> None:
        path = self._path(breadcrumb.job_id, breadcrumb.attempt)
        part = path.with_suffix(".part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(breadcrumb), file)
        part.replace(path)  # whole, or not there: the worker may die at any moment

    def _path(self, job_id: str, attempt: int) -> Path:
        return self._folder / f"{job_id}-{attempt}{_SUFFIX}"


def _parsed(data: bytes) -> Breadcrumb | None:
    try:
        return Breadcrumb(**json.loads(data))
    except (ValueError, TypeError) as error:
        # Of another version of the suite: its lease runs out by itself.
        _log.warning("breadcrumb not understood", error=str(error))
        return None
