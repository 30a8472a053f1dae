"""How an attempt ended: from what the child said, how it died and what was asked of it."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from omniscope.common.v1.job_pb2 import JobError
from omniscope.registry.v1 import worker_service_pb2
from omniscope_service.errors import InvalidArgument, ServiceError
from omniscope_service.jobs.report_pipe import MAX_MESSAGE, clean
from omniscope_service.jobs.stop import StopCause
from omniscope_service.jobs.supervisor import KILLED_BY_SIGNAL

if TYPE_CHECKING:
    from omniscope.registry.v1.worker_service_pb2 import FailureCause
    from omniscope_service.jobs.frames import Frame

_LESS_MEMORY = "fewer columns, fewer rows or a lower quality need less"


@dataclass(frozen=True, slots=True)
class Trained:
    """The child wrote a package."""

    stopped_early: bool


@dataclass(frozen=True, slots=True)
class Failed:
    """There is no model; `cause` is for the registry, `error` for people."""

    cause: FailureCause.ValueType
    error: JobError


Ending = Trained | Failed


def ending_of_child(result: Frame | None, exit_status: int) -> Ending:
    """Return how a child ended that nobody stopped.

    Args:
        result: The frame that says how the training ended; None when it died without one.
        exit_status: 128 + N means that signal N ended it.
    """
    match result:
        case {"type": "result", "stopped_early": bool(stopped_early)}:
            return Trained(stopped_early)
        case {"type": "out_of_memory", "message": ""}:
            return _out_of_memory(f"The training ran out of memory; {_LESS_MEMORY}.")
        case {"type": "out_of_memory", "message": str(message)}:
            return _out_of_memory(clean(f"The training ran out of memory: {message}", MAX_MESSAGE))
        case {"type": "crashed", "message": str(message)}:
            return _crashed(clean(f"The training crashed: {message}.", MAX_MESSAGE))
        case {"type": "failure", "reason": "", "message": str(message)}:
            return _training_failed(message)
        case {"type": "failure", "reason": str(reason), "field": str(field), "message": message}:
            return _refused(reason, field, str(message))
        case _:
            return _died(exit_status)


def ending_of_stop(cause: StopCause, ending: Ending | None) -> Ending:
    """Return how a stopped attempt ended; `ending` is what its child came to, if there was one.

    A training that wrote a usable package in its grace counts, unless somebody cancelled the job.
    """
    if isinstance(ending, Trained) and cause is not StopCause.CANCELLED:
        return ending
    if cause is StopCause.CANCELLED:
        return Failed(
            worker_service_pb2.FAILURE_CAUSE_CANCELLED,
            JobError(code="CANCELLED", reason="JOB_CANCELLED", message="The job was cancelled."),
        )
    if cause is StopCause.DEADLINE:
        return Failed(
            worker_service_pb2.FAILURE_CAUSE_DEADLINE,
            JobError(
                code="DEADLINE_EXCEEDED",
                reason="HARD_LIMIT_EXCEEDED",
                message="The training did not end within its time limit and left no usable model;"
                " a longer time_limit, fewer columns or a lower quality may help.",
            ),
        )
    if cause is StopCause.JOB_DEADLINE:
        return Failed(
            worker_service_pb2.FAILURE_CAUSE_DEADLINE,
            JobError(
                code="DEADLINE_EXCEEDED",
                reason="JOB_DEADLINE_EXCEEDED",
                message="The job's deadline has passed before anything usable existed.",
                field="deadline_seconds",
            ),
        )
    if cause is StopCause.STALLED:
        return Failed(
            worker_service_pb2.FAILURE_CAUSE_STALLED,
            JobError(
                code="DEADLINE_EXCEEDED",
                reason="TRAINING_STALLED",
                message="The training said nothing for too long and was stopped.",
            ),
        )
    return Failed(
        worker_service_pb2.FAILURE_CAUSE_PREEMPTED,
        JobError(
            code="UNAVAILABLE",
            reason="WORKER_STOPPING",
            message="The worker was stopped; another attempt follows.",
        ),
    )


def ending_over_memory(peak_bytes: int, limit_bytes: int) -> Failed:
    """Return how an attempt ended whose child took more memory than it may."""
    return _out_of_memory(
        f"The training held {peak_bytes / 2**30:.2f} GiB of memory and may hold "
        f"{limit_bytes / 2**30:.2f} GiB; {_LESS_MEMORY}."
    )


def ending_of_error(error: ServiceError | OSError) -> Failed:
    """Return how an attempt ended whose surroundings failed: store, disk, process start."""
    if isinstance(error, InvalidArgument):
        return _refused(error.reason, error.field, clean(str(error), MAX_MESSAGE))
    if isinstance(error, OSError):
        message = f"The worker's disk failed: {error.strerror}."
        details = JobError(code="UNAVAILABLE", reason="WORKER_DISK_FAILED", message=message)
    else:
        message = clean(str(error), MAX_MESSAGE)
        details = JobError(code="UNAVAILABLE", reason=error.reason, message=message)
    return Failed(worker_service_pb2.FAILURE_CAUSE_INFRASTRUCTURE, details)


def ending_of_fault() -> Failed:
    """Return how an attempt ended that a defect of the worker broke; its log has the details."""
    return Failed(
        worker_service_pb2.FAILURE_CAUSE_INFRASTRUCTURE,
        JobError(code="INTERNAL", reason="WORKER_FAULT", message="The worker failed."),
    )


def ending_without_manifest() -> Failed:
    """Return how an attempt ended whose trainer left no package."""
    return _training_failed("The training left no model package.")


def how_it_failed(cause: FailureCause.ValueType) -> str:
    """Return a word for the log: a cancelled or handed back attempt is no failure."""
    match cause:
        case worker_service_pb2.FAILURE_CAUSE_CANCELLED:
            return "cancelled"
        case worker_service_pb2.FAILURE_CAUSE_PREEMPTED:
            return "handed back"
        case _:
            return "failed"


def another_may_follow(cause: FailureCause.ValueType) -> bool:
    """Tell whether the registry may give the job to another attempt, which could go on."""
    return cause in (
        worker_service_pb2.FAILURE_CAUSE_CRASH,
        worker_service_pb2.FAILURE_CAUSE_INFRASTRUCTURE,
        worker_service_pb2.FAILURE_CAUSE_PREEMPTED,
        worker_service_pb2.FAILURE_CAUSE_STALLED,
    )


def _out_of_memory(message: str) -> Failed:
    return Failed(
        worker_service_pb2.FAILURE_CAUSE_OUT_OF_MEMORY,
        JobError(
            code="RESOURCE_EXHAUSTED",
            reason="OUT_OF_MEMORY",
            message=message,
        ),
    )


def _training_failed(message: str) -> Failed:
    return Failed(
        worker_service_pb2.FAILURE_CAUSE_USER_ERROR,
        JobError(code="INTERNAL", reason="TRAINING_FAILED", message=message),
    )


def _refused(reason: str, field: str, message: str) -> Failed:
    return Failed(
        worker_service_pb2.FAILURE_CAUSE_USER_ERROR,
        JobError(code="INVALID_ARGUMENT", reason=reason, message=message, field=field),
    )


def _died(exit_status: int) -> Failed:
    number = exit_status - KILLED_BY_SIGNAL
    if number in set(signal.Signals):
        how = f"was ended by {signal.Signals(number).name}"
    else:
        how = f"ended with status {exit_status}"
    return _crashed(f"The training process {how} without a result.")


def _crashed(message: str) -> Failed:
    return Failed(
        worker_service_pb2.FAILURE_CAUSE_CRASH,
        JobError(code="INTERNAL", reason="TRAINING_CRASHED", message=message),
    )
