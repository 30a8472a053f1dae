"""Checks what services and workers send, and reads it into the registry's own terms."""

from __future__ import annotations

import hashlib
import math
import re
from typing import TYPE_CHECKING, Final

import grpc

from omniscope.common.v1.job_event_pb2 import JobEventType
from omniscope.registry.v1.job_intake_service_pb2 import SubmitJobRequest
from omniscope.registry.v1.worker_service_pb2 import FailureCause
from omniscope_registry.field_checks import (
    MAX_TAG_LENGTH,
    check,
    check_description,
    check_id,
    check_tags,
    check_text,
    check_word,
)
from omniscope_registry.jobs.convert import error_to_row
from omniscope_registry.jobs.domain import Cause, Failure, Lease
from omniscope_registry.jobs.values import InputKind, JobInput
from omniscope_registry.jobs.worker_values import (
    AUTO,
    CheckpointRow,
    Claim,
    Reported,
    WorkerAnnouncement,
)
from omniscope_registry.training_config import config_to_json
from omniscope_service.errors import InvalidArgument
from omniscope_service.names import check_name, check_uuid

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from omniscope.common.v1.job_event_pb2 import JobEvent
    from omniscope.common.v1.job_input_pb2 import JobInput as ProtoJobInput
    from omniscope.registry.v1.worker_service_pb2 import (
        AnnounceWorkerRequest,
        AttemptLease,
        ClaimJobRequest,
        FailJobRequest,
        RegisterCheckpointRequest,
        ReportEventsRequest,
    )

RESOURCE_CLASSES: Final = ("cpu", "gpu")
_SUBMITTED_CLASSES: Final = (*RESOURCE_CLASSES, AUTO)
MAX_EVENTS: Final = 500
MAX_INPUTS: Final = 1000
MAX_EVENT_BYTES: Final = 8 * 1024
_MAX_WARNING = 2000
_MAX_REASON = 500
_MAX_ERROR_MESSAGE = 1800
_MAX_HARD_LIMIT_SECONDS = 30 * 24 * 3600
_SERVICE = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_WORD = re.compile(r"[a-z][a-z0-9_]{0,62}")
_MODEL_TYPE = re.compile(r"[a-z][a-z0-9_.-]{0,62}")
_CHECKPOINT_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_REASON = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_CODES = frozenset(code.name for code in grpc.StatusCode) - {"OK"}
# Checkpoints come by RegisterCheckpoint: what was not stored cannot be told.
_REPORTED_KINDS = ("progress", "metric", "leaderboard_entry", "log_line")
_EVENT_TYPES = {
    number: name.removeprefix("JOB_EVENT_TYPE_").lower()
    for name, number in JobEventType.items()
    if number != JobEventType.JOB_EVENT_TYPE_UNSPECIFIED
}
_CAUSES = {
    FailureCause.Value(f"FAILURE_CAUSE_{cause.name}"): cause for cause in Cause if cause != "lost"
}


def check_submission(request: SubmitJobRequest) -> None:
    """Refuse a job that could not be stored or run.

    Raises:
        InvalidArgument: Reason FIELD_INVALID, NAME_INVALID or CONFIG_TYPE_UNKNOWN, with the field.
    """
    # What nobody can read now, nobody can project or show later.
    config_to_json(request.config)
    check_word("service", request.service, _SERVICE)
    _check_result(request)
    _check_inputs(request.inputs)
    check(
        "resource_class",
        request.resource_class,
        request.resource_class in ("", *_SUBMITTED_CLASSES),
        f"one of {', '.join(_SUBMITTED_CLASSES)}",
    )
    if request.experiment:
        check_name(request.experiment, field="experiment")
    check_description(request.description)
    check_tags(request.tags)
    for warning in request.warnings:
        check_text("warnings", warning, _MAX_WARNING)
    check(
        "hard_limit_seconds",
        request.hard_limit_seconds,
        0 < request.hard_limit_seconds <= _MAX_HARD_LIMIT_SECONDS,
        f"between 1 and {_MAX_HARD_LIMIT_SECONDS}",
    )
    check(
        "deadline_seconds",
        request.deadline_seconds,
        0 <= request.deadline_seconds <= _MAX_HARD_LIMIT_SECONDS,
        f"between 0 and {_MAX_HARD_LIMIT_SECONDS}",
    )


def inputs_from_proto(inputs: Iterable[ProtoJobInput]) -> list[JobInput]:
    """Return what a job reads, not looked up yet."""
    return [
        JobInput(each.role, InputKind.DATASET, each.dataset_id.upper())
        if each.HasField("dataset_id")
        else JobInput(each.role, InputKind.MODEL, each.model_id.upper())
        for each in inputs
    ]


def _check_result(request: SubmitJobRequest) -> None:
    if request.artifact_kind:
        check_word("artifact_kind", request.artifact_kind, _WORD)
    if request.model_type or not request.artifact_kind:
        check_word("model_type", request.model_type, _MODEL_TYPE)
    if request.model_name or not request.artifact_kind:
        check_name(request.model_name, field="model_name")


def _check_inputs(inputs: Sequence[ProtoJobInput]) -> None:
    count = len(inputs)
    check("inputs", f"{count} inputs", 0 < count <= MAX_INPUTS, f"1 to {MAX_INPUTS} inputs")
    for position, each in enumerate(inputs):
        path = f"inputs[{position}]"
        check_word(f"{path}.role", each.role, _WORD)
        kind = each.WhichOneof("input")
        if kind is None:
            check(path, "neither", False, "a dataset_id or a model_id")
        else:
            check_id(f"{path}.{kind}", getattr(each, kind))


def submission_hash(request: SubmitJobRequest) -> str:
    """Return what tells one submission from another: everything that decides about the job."""
    decisive = SubmitJobRequest()
    decisive.CopyFrom(request)
    for name in ("request_id", "validate_only", "warnings"):
        decisive.ClearField(name)
    return hashlib.sha256(decisive.SerializeToString(deterministic=True)).hexdigest()


def check_cancel_reason(reason: str) -> str:
    """Return why a job is cancelled, when it is short enough."""
    check_text("reason", reason, _MAX_REASON)
    return reason


def lease_from_proto(lease: AttemptLease) -> Lease:
    """Return the attempt that a worker call is about."""
    check_id("lease.job_id", lease.job_id)
    return Lease(lease.job_id, lease.attempt, lease.lease_token)


def claim_from_proto(request: ClaimJobRequest) -> Claim:
    """Return what a worker asks for."""
    check_id("worker_id", request.worker_id)
    return Claim(
        worker_id=request.worker_id,
        claim_id=check_uuid(request.claim_id, field="claim_id"),
        service=request.service,
        resource_class=request.resource_class,
    )


def checkpoint_from_proto(request: RegisterCheckpointRequest, prefix: str) -> CheckpointRow:
    """Return a checkpoint that an attempt has stored.

    Args:
        request: What the worker says of it.
        prefix: Where in the artifact store the attempt writes.

    Raises:
        InvalidArgument: It lies elsewhere, reason CHECKPOINT_KEY_INVALID; another field is wrong,
            reason FIELD_INVALID.
    """
    stored = request.checkpoint
    if not stored.manifest_key.startswith(f"{prefix}/"):
        raise InvalidArgument(
            f"checkpoint.manifest_key {stored.manifest_key[:256]!r} is not below the attempt's "
            f"prefix {prefix}/",
            reason="CHECKPOINT_KEY_INVALID",
            field="checkpoint.manifest_key",
        )
    check_text("checkpoint.manifest_key", stored.manifest_key, 512)
    check_word("checkpoint.name", stored.name, _CHECKPOINT_NAME)
    check_word("checkpoint.manifest_digest", stored.manifest_digest, _SHA256)
    check("checkpoint.step", stored.step, stored.step >= 0, "at least 0")
    check("checkpoint.size_bytes", stored.size_bytes, stored.size_bytes >= 0, "at least 0")
    return CheckpointRow(
        attempt=request.lease.attempt,
        name=stored.name,
        step=stored.step,
        manifest_key=stored.manifest_key,
        manifest_digest=stored.manifest_digest,
        size_bytes=stored.size_bytes,
    )


def announcement_from_proto(request: AnnounceWorkerRequest) -> WorkerAnnouncement:
    """Return what a worker says about itself."""
    check_word("service", request.service, _SERVICE)
    check(
        "resource_class",
        request.resource_class,
        request.resource_class in RESOURCE_CLASSES,
        f"one of {', '.join(RESOURCE_CLASSES)}",
    )
    check("slots", request.slots, request.slots > 0, "at least 1")
    check_id("worker_id", request.worker_id)
    for name, version in request.versions.items():
        check_text("versions", name, MAX_TAG_LENGTH)
        check_text("versions", version, MAX_TAG_LENGTH)
    return WorkerAnnouncement(
        id=request.worker_id,
        service=request.service,
        resource_class=request.resource_class,
        slots=request.slots,
        versions=dict(request.versions),
    )


def failure_from_proto(request: FailJobRequest) -> Failure:
    """Return how an attempt failed.

    Raises:
        InvalidArgument: The cause or the error is not one; reason FIELD_INVALID.
    """
    check("cause", request.cause, request.cause in _CAUSES, "a FailureCause")
    error = request.error
    check("error.code", error.code, error.code in _CODES, "a gRPC status name")
    check(
        "error.reason",
        error.reason,
        _REASON.fullmatch(error.reason) is not None,
        "in UPPER_SNAKE, at most 64 characters",
    )
    check_text("error.message", error.message, _MAX_ERROR_MESSAGE)
    check_text("error.field", error.field, _MAX_REASON)
    return Failure(_CAUSES[request.cause], error_to_row(error))


def reports_from_proto(request: ReportEventsRequest) -> list[Reported]:
    """Return reported events, with consecutive numbers.

    Raises:
        InvalidArgument: Reason FIELD_INVALID, naming the event.
    """
    check("events", len(request.events), len(request.events) <= MAX_EVENTS, "at most 500 events")
    first = request.events[0].worker_sequence
    reports = []
    for index, reported in enumerate(request.events):
        path = f"events[{index}]"
        expected = first + index
        check(
            f"{path}.worker_sequence",
            reported.worker_sequence,
            reported.worker_sequence == expected > 0,
            f"{max(expected, 1)}, for they are consecutive from 1",
        )
        _check_event(f"{path}.event", reported.event)
        reports.append(Reported(reported.worker_sequence, reported.event))
    return reports


def event_kinds_from_proto(types: Iterable[JobEventType.ValueType]) -> list[str]:
    """Return the oneof fields that a caller wants to see; empty: all.

    Raises:
        InvalidArgument: One is unknown; reason EVENT_TYPE_INVALID.
    """
    kinds = []
    for number in types:
        if number not in _EVENT_TYPES:
            raise InvalidArgument(
                f"event_types has {number}; allowed are the names of JobEventType but UNSPECIFIED",
                reason="EVENT_TYPE_INVALID",
                field="event_types",
            )
        kinds.append(_EVENT_TYPES[number])
    return kinds


def _check_event(path: str, event: JobEvent) -> None:
    kind = event.WhichOneof("event")
    check(f"{path}.event", kind, kind in _REPORTED_KINDS, f"one of {', '.join(_REPORTED_KINDS)}")
    size = event.ByteSize()
    check(path, f"{size} bytes", size <= MAX_EVENT_BYTES, f"at most {MAX_EVENT_BYTES} bytes")
    if kind == "progress":
        percent = event.progress.percent
        check(f"{path}.progress.percent", percent, 0 <= percent <= 100, "between 0 and 100")
        check_text(f"{path}.progress.phase", event.progress.phase, _MAX_REASON)
    if kind == "metric":
        value = event.metric.value
        check(f"{path}.metric.value", value, math.isfinite(value), "finite")
        check_text(f"{path}.metric.name", event.metric.name, 256)
        check_text(f"{path}.metric.split", event.metric.split, 32)
