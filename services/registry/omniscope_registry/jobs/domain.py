"""The life of a job as pure rules: which transitions there are, what follows a failure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


class JobState(StrEnum):
    """Where a job stands; the value is what the column `status` holds."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    QUARANTINED = "quarantined"


TERMINAL: Final = frozenset(JobState) - {JobState.QUEUED, JobState.RUNNING}

TRANSITIONS: Final[Mapping[JobState, frozenset[JobState]]] = MappingProxyType(
    {
        JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLED, JobState.TIMED_OUT}),
        JobState.RUNNING: frozenset(JobState) - {JobState.RUNNING},
        **{state: frozenset() for state in TERMINAL},
    }
)
"""States that may follow each state."""


class Cause(StrEnum):
    """Why an attempt ended without a result; the value is what `job_attempts.outcome` holds."""

    USER_ERROR = "user_error"
    OUT_OF_MEMORY = "out_of_memory"
    CRASH = "crash"
    INFRASTRUCTURE = "infrastructure"
    PREEMPTED = "preempted"
    CANCELLED = "cancelled"
    DEADLINE = "deadline"
    # Its process lives, but says nothing for too long.
    STALLED = "stalled"
    # Nobody said it: the lease ran out.
    LOST = "lost"


SUCCEEDED: Final = "succeeded"
"""`job_attempts.outcome` of an attempt that ended with a result."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Names one attempt and proves the right to write for it.

    Attributes:
        token: 128 random bits, hexadecimal. Secret.
    """

    job_id: str
    attempt: int
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Failure:
    """How an attempt ended without a result.

    Attributes:
        error: Why, for people: a `JobError` by its field names.
    """

    cause: Cause
    error: Mapping[str, str]


@dataclass(frozen=True)
class Budget:
    """How often a job may fail for some causes before it is given up.

    Attributes:
        causes: Their failures count together.
        failures: With this many of them the job has ended.
        then: How it has ended.
        backoff: Whether the next attempt waits, longer each time: what is broken around a job
            needs time to heal, what is broken in it does not heal at all.
    """

    causes: frozenset[Cause]
    failures: int
    then: JobState
    backoff: bool


_BUDGETS: Final = (
    Budget(frozenset({Cause.CRASH}), 2, JobState.QUARANTINED, backoff=False),
    Budget(frozenset({Cause.STALLED}), 2, JobState.FAILED, backoff=False),
    Budget(frozenset({Cause.INFRASTRUCTURE, Cause.LOST}), 6, JobState.FAILED, backoff=True),
)
_FINAL: Final[Mapping[Cause, JobState]] = MappingProxyType(
    {
        Cause.USER_ERROR: JobState.FAILED,
        Cause.OUT_OF_MEMORY: JobState.FAILED,
        Cause.CANCELLED: JobState.CANCELLED,
        Cause.DEADLINE: JobState.TIMED_OUT,
    }
)
_BACKOFF_SECONDS: Final = 5.0
_LONGEST_BACKOFF_SECONDS: Final = 600.0


@dataclass(frozen=True)
class Verdict:
    """The decision about a job whose attempt has failed.

    Attributes:
        state: QUEUED when another attempt follows, else how the job has ended.
        longest_delay_seconds: The next attempt waits for a random part of this, so that jobs that
            failed together do not come back together.
    """

    state: JobState
    longest_delay_seconds: float = 0.0


def budget_of(cause: Cause) -> Budget | None:
    """Return the budget that a cause counts against; None when it is not counted."""
    return next((budget for budget in _BUDGETS if cause in budget.causes), None)


def after_failure(cause: Cause, failures: int, *, cancel_requested: bool) -> Verdict:
    """Decide what follows a failed attempt.

    Args:
        cause: Why it failed.
        failures: How many attempts have failed on the same budget, this one included; 0 when the
            cause has none.
        cancel_requested: Somebody wants no further attempt.
    """
    if cause in _FINAL:
        return Verdict(_FINAL[cause])
    if cancel_requested:
        return Verdict(JobState.CANCELLED)
    budget = budget_of(cause)
    if budget is not None and failures >= budget.failures:
        return Verdict(budget.then)
    # A lost worker was waited for already, for as long as its lease lasted.
    waits = budget is not None and budget.backoff and cause is not Cause.LOST
    delay = _BACKOFF_SECONDS * 2 ** (failures - 1) if waits else 0.0
    return Verdict(JobState.QUEUED, min(delay, _LONGEST_BACKOFF_SECONDS))


@dataclass(frozen=True)
class JobTimes:
    """The clocks of the job system.

    Attributes:
        lease: An attempt without a heartbeat for this long is lost.
        heartbeat: How often workers send one.
        hint: Workers whose jobs wait for longer are hinted again, once in this time.
        cancel_grace: A cancel that its worker has not confirmed in this time is enforced.
        sweep: How often queued jobs and leases are looked at.
    """

    lease: timedelta = timedelta(seconds=60)
    heartbeat: timedelta = timedelta(seconds=15)
    hint: timedelta = timedelta(seconds=60)
    cancel_grace: timedelta = timedelta(seconds=60)
    sweep: timedelta = timedelta(seconds=5)


def time_left(
    deadline_at: datetime | None, lease_until: datetime | None, times: JobTimes
) -> timedelta | None:
    """Return how long a running job may still take in all; None without a deadline.

    Args:
        deadline_at: When it must have ended.
        lease_until: As it was set just now: it holds the database's clock.
        times: How long leases last.
    """
    if deadline_at is None or lease_until is None:
        return None
    return max(deadline_at - (lease_until - times.lease), timedelta(0))


def artifacts_prefix(job_id: str, attempt: int, nonce: str) -> str:
    """Return where in the artifact store an attempt writes; nobody can guess it."""
    return f"jobs/{job_id}/attempts/{attempt}-{nonce}"
