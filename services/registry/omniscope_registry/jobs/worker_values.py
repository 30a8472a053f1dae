"""Values that workers and the registry hand to each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta

    from omniscope.common.v1.job_event_pb2 import JobEvent
    from omniscope_registry.jobs.values import JobRow

AUTO: Final = "auto"
"""Resource class of a submission that takes what there is."""


@dataclass(frozen=True, slots=True)
class WorkerAnnouncement:
    """A worker with what it can run.

    Attributes:
        id: ULID that it made at its start.
        slots: Jobs that it runs at a time.
        versions: Of the suite and its engines, by package name.
    """

    id: str
    service: str
    resource_class: str
    slots: int
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RunningAttempt:
    """A running attempt, with the place and the kind of what it may store.

    Attributes:
        artifacts_prefix: Where in the artifact store it, and no other, writes.
        artifact_kind: Kind of artifact that its job makes; empty: a model.
    """

    artifacts_prefix: str
    artifact_kind: str


class WorkerKind(NamedTuple):
    """The kind of a worker, which decides which jobs it runs."""

    service: str
    resource_class: str


@dataclass(frozen=True, slots=True)
class CheckpointRow:
    """A stored checkpoint; `worker_service.proto` says what the fields mean."""

    attempt: int
    name: str
    step: int
    manifest_key: str
    manifest_digest: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Claim:
    """A worker's request for a job.

    Attributes:
        claim_id: The same when the claim is repeated because the answer was lost.
        service: Whose jobs the worker runs.
        resource_class: What it has, `cpu` or `gpu`.
    """

    worker_id: str
    claim_id: str
    service: str
    resource_class: str


@dataclass(frozen=True, slots=True)
class Grant:
    """A granted claim.

    Attributes:
        job: The job, running, with its inputs.
        token: Of the lease. Secret.
        artifacts_prefix: Where in the artifact store this attempt, and no other, writes.
        checkpoints: What earlier attempts have stored, newest first.
    """

    job: JobRow
    token: str = field(repr=False)
    artifacts_prefix: str
    checkpoints: Sequence[CheckpointRow] = ()


@dataclass(frozen=True, slots=True)
class HeartbeatDirectives:
    """The answer to a heartbeat.

    Attributes:
        cancel: Its end was asked for.
        deadline_in: How long the job may still take in all; None without a deadline.
    """

    cancel: bool
    deadline_in: timedelta | None


@dataclass(frozen=True, slots=True)
class Reported:
    """An event with its number within the attempt, from 1."""

    worker_sequence: int
    event: JobEvent
