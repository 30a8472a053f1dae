"""The outcome of an attempt: from how its child ended or why it was stopped, to its report.

`OutcomeReporter` tells the registry: with a stored package, or with a failure.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Self

import structlog

from omniscope.common.v1.job_pb2 import JobError
from omniscope.registry.v1 import worker_service_pb2 as messages
from omniscope_service import failpoints
from omniscope_service.digests import sha256_of
from omniscope_service.errors import Aborted, InvalidArgument, ServiceError
from omniscope_service.jobs.report_pipe import MAX_MESSAGE, clean
from omniscope_service.jobs.retry import retry_until_answered
from omniscope_service.jobs.stop import StopCause
from omniscope_service.jobs.supervisor import KILLED_BY_SIGNAL

if TYPE_CHECKING:
    from pathlib import Path

    from omniscope.registry.v1.worker_service_pb2_grpc import WorkerServiceAsyncStub
    from omniscope_service.artifacts import ArtifactStore
    from omniscope_service.jobs.frames import Frame
    from omniscope_service.jobs.stop import StopSignal

_COMPLETE_SECONDS = 60.0
_LESS_MEMORY = "fewer columns, fewer rows or a lower quality need less"

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The child wrote a package."""

    stopped_early: bool


@dataclass(frozen=True, slots=True)
class Failed:
    """There is no result; `cause` is for the registry, `error` for people."""

    cause: messages.FailureCause.ValueType
    error: JobError

    @classmethod
    def of(
        cls,
        cause: messages.FailureCause.ValueType,
        code: str,
        reason: str,
        message: str,
        field: str = "",
    ) -> Self:
        """Return a failure with these details."""
        return cls(cause, JobError(code=code, reason=reason, message=message, field=field))

    @property
    def retryable(self) -> bool:
        """Whether the registry may give the job to another attempt, which could go on."""
        return self.cause in _RETRYABLE


Outcome = Succeeded | Failed

_RETRYABLE = frozenset(
    {
        messages.FAILURE_CAUSE_CRASH,
        messages.FAILURE_CAUSE_INFRASTRUCTURE,
        messages.FAILURE_CAUSE_PREEMPTED,
        messages.FAILURE_CAUSE_STALLED,
    }
)
_STOPPED = {
    StopCause.CANCELLED: Failed.of(
        messages.FAILURE_CAUSE_CANCELLED, "CANCELLED", "JOB_CANCELLED", "The job was cancelled."
    ),
    StopCause.DEADLINE: Failed.of(
        messages.FAILURE_CAUSE_DEADLINE,
        "DEADLINE_EXCEEDED",
        "HARD_LIMIT_EXCEEDED",
        "The training did not end within its time limit and left no usable model;"
        " a longer time_limit, fewer columns or a lower quality may help.",
    ),
    StopCause.JOB_DEADLINE: Failed.of(
        messages.FAILURE_CAUSE_DEADLINE,
        "DEADLINE_EXCEEDED",
        "JOB_DEADLINE_EXCEEDED",
        "The job's deadline has passed before anything usable existed.",
        "deadline_seconds",
    ),
    StopCause.STALLED: Failed.of(
        messages.FAILURE_CAUSE_STALLED,
        "DEADLINE_EXCEEDED",
        "TRAINING_STALLED",
        "The training said nothing for too long and was stopped.",
    ),
    StopCause.PREEMPTED: Failed.of(
        messages.FAILURE_CAUSE_PREEMPTED,
        "UNAVAILABLE",
        "WORKER_STOPPING",
        "The worker was stopped; another attempt follows.",
    ),
}
# A limit on the training is none on the verification. A worker that is stopped waits for one more
# answer: it must hand the job back before its drain ends, or the job waits out the lease.
_ENDING_VERIFICATION = (StopCause.CANCELLED, StopCause.JOB_DEADLINE, StopCause.PREEMPTED)


def outcome_of_child(result: Frame | None, exit_status: int) -> Outcome:
    """Return the outcome of a child that nobody stopped.

    Args:
        result: The frame that says how the training ended; None when it died without one.
        exit_status: 128 + N means that signal N ended it.
    """
    match result:
        case {"type": "result", "stopped_early": bool(stopped_early)}:
            return Succeeded(stopped_early)
        case {"type": "out_of_memory", "message": ""}:
            return _out_of_memory(f"The training ran out of memory; {_LESS_MEMORY}.")
        case {"type": "out_of_memory", "message": str(message)}:
            return _out_of_memory(clean(f"The training ran out of memory: {message}", MAX_MESSAGE))
        case {"type": "crashed", "message": str(message)}:
            return _crashed(clean(f"The training crashed: {message}.", MAX_MESSAGE))
        case {"type": "failure", "reason": "", "message": str(message)}:
            return _user_error("INTERNAL", "TRAINING_FAILED", message)
        case {"type": "failure", "reason": str(reason), "field": str(field), "message": message}:
            return _user_error("INVALID_ARGUMENT", reason, str(message), field)
        case _:
            return _died(exit_status)


def outcome_of_stop(cause: StopCause, outcome: Outcome | None) -> Outcome:
    """Return the outcome of a stopped attempt, given that of its child if there was one.

    A training that wrote a usable package in its grace counts, unless somebody cancelled the job.
    """
    if isinstance(outcome, Succeeded) and cause is not StopCause.CANCELLED:
        return outcome
    return _STOPPED.get(cause, _STOPPED[StopCause.PREEMPTED])


def failure_over_memory(peak_bytes: int, limit_bytes: int) -> Failed:
    """Return the failure of an attempt whose child took more memory than it may."""
    return _out_of_memory(
        f"The training held {peak_bytes / 2**30:.2f} GiB of memory and may hold "
        f"{limit_bytes / 2**30:.2f} GiB; {_LESS_MEMORY}."
    )


def failure_of_error(error: ServiceError | OSError) -> Failed:
    """Return the failure of an attempt whose surroundings failed: store, disk, process start."""
    if isinstance(error, InvalidArgument):
        text = clean(str(error), MAX_MESSAGE)
        return _user_error("INVALID_ARGUMENT", error.reason, text, error.field)
    cause = messages.FAILURE_CAUSE_INFRASTRUCTURE
    if isinstance(error, OSError):
        message = clean(f"The worker's disk failed: {error.strerror or error}.", MAX_MESSAGE)
        return Failed.of(cause, "UNAVAILABLE", "WORKER_DISK_FAILED", message)
    return Failed.of(cause, "UNAVAILABLE", error.reason, clean(str(error), MAX_MESSAGE))


def failure_of_defect() -> Failed:
    """Return the failure of an attempt that a defect of the worker broke; its log has details."""
    cause = messages.FAILURE_CAUSE_INFRASTRUCTURE
    return Failed.of(cause, "INTERNAL", "WORKER_FAULT", "The worker failed.")


class OutcomeReporter:
    """Reports the outcome of one attempt to the registry.

    Args:
        grant: The claim.
        registry: Stub of the registry.
        artifacts: Where packages go.
    """

    def __init__(
        self,
        grant: messages.ClaimJobResponse,
        registry: WorkerServiceAsyncStub,
        artifacts: ArtifactStore,
    ) -> None:
        self._grant = grant
        self._registry = registry
        self._artifacts = artifacts

    async def complete(
        self, succeeded: Succeeded, package: Path, stop: StopSignal
    ) -> Failed | None:
        """Store a package and complete the job; return why that was not possible.

        A cancel, the job's deadline and the stop of the worker end it while the registry verifies
        the package.
        """
        key = f"{self._grant.artifacts_prefix.rstrip('/')}/package"
        try:
            digest = await sha256_of(package / "manifest.json")
            await self._artifacts.put_folder(key, package)
            await failpoints.reach("package.after_upload")
            if failed := await self._register(key, digest, succeeded, stop):
                return failed
            self._log_end("succeeded")
        except FileNotFoundError:
            message = "The training left no package: there is no manifest.json."
            return _user_error("INTERNAL", "TRAINING_FAILED", message)
        except Aborted as error:
            _log.warning("result not taken", job_id=self._grant.lease.job_id, reason=error.reason)
            self._log_end("abandoned", error.reason)
        except (ServiceError, OSError) as error:
            return failure_of_error(error)
        return None

    async def fail(self, failed: Failed) -> None:
        """Report that the attempt ended without a result."""
        lease = self._grant.lease
        request = messages.FailJobRequest(lease=lease, cause=failed.cause, error=failed.error)
        try:
            await retry_until_answered(lambda: self._registry.FailJob(request))
        except ServiceError as error:
            _log.warning("failure not taken", job_id=lease.job_id, reason=error.reason)
        self._log_end(_state(failed.cause), failed.error.reason)

    def abandon(self) -> None:
        """Log that the attempt is somebody else's by now: there is nothing to report."""
        _log.warning("attempt abandoned", job_id=self._grant.lease.job_id)
        self._log_end("abandoned", "LEASE_LOST")

    async def _register(
        self, key: str, digest: str, succeeded: Succeeded, stop: StopSignal
    ) -> Failed | None:
        request = messages.CompleteJobRequest(
            lease=self._grant.lease,
            package_key=key,
            manifest_digest=digest,
            stopped_early=succeeded.stopped_early,
        )
        complete = partial(self._registry.CompleteJob, request, timeout=_COMPLETE_SECONDS)
        # Each answer is a sign of life: a package may take as long as it takes.
        while (await retry_until_answered(complete)).verifying:
            for cause in _ENDING_VERIFICATION:
                if stop.is_requested(cause):
                    return _STOPPED[cause]
        return None

    def _log_end(self, state: str, reason: str | None = None) -> None:
        lease = self._grant.lease
        about = {} if reason is None else {"reason": reason}
        _log.info(
            "attempt ended", job_id=lease.job_id, attempt=lease.attempt, state=state, **about
        )


def _state(cause: messages.FailureCause.ValueType) -> str:
    """Return the state in the log: a cancelled or handed back attempt is no failure."""
    match cause:
        case messages.FAILURE_CAUSE_CANCELLED:
            return "cancelled"
        case messages.FAILURE_CAUSE_PREEMPTED:
            return "handed back"
        case _:
            return "failed"


def _user_error(code: str, reason: str, message: str, field: str = "") -> Failed:
    return Failed.of(messages.FAILURE_CAUSE_USER_ERROR, code, reason, message, field)


def _out_of_memory(message: str) -> Failed:
    cause = messages.FAILURE_CAUSE_OUT_OF_MEMORY
    return Failed.of(cause, "RESOURCE_EXHAUSTED", "OUT_OF_MEMORY", message)


def _died(exit_status: int) -> Failed:
    number = exit_status - KILLED_BY_SIGNAL
    if number in set(signal.Signals):
        how = f"was ended by {signal.Signals(number).name}"
    else:
        how = f"ended with status {exit_status}"
    return _crashed(f"The training process {how} without a result.")


def _crashed(message: str) -> Failed:
    return Failed.of(messages.FAILURE_CAUSE_CRASH, "INTERNAL", "TRAINING_CRASHED", message)
