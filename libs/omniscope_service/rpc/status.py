"""The only table between errors and gRPC status codes, in both directions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import error_details_pb2 as details
from google.rpc import status_pb2

from omniscope_service import errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from google.protobuf.message import Message

ERROR_DOMAIN = "omniscope"
"""`ErrorInfo.domain` of every error of the suite."""

STATUS_CODES: Mapping[type[errors.ServiceError], grpc.StatusCode] = {
    errors.InvalidArgument: grpc.StatusCode.INVALID_ARGUMENT,
    errors.NotFound: grpc.StatusCode.NOT_FOUND,
    errors.AlreadyExists: grpc.StatusCode.ALREADY_EXISTS,
    errors.FailedPrecondition: grpc.StatusCode.FAILED_PRECONDITION,
    errors.PermissionDenied: grpc.StatusCode.PERMISSION_DENIED,
    errors.Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    errors.ResourceExhausted: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.Unavailable: grpc.StatusCode.UNAVAILABLE,
    errors.DeadlineExceeded: grpc.StatusCode.DEADLINE_EXCEEDED,
    errors.Aborted: grpc.StatusCode.ABORTED,
    errors.OutOfRange: grpc.StatusCode.OUT_OF_RANGE,
    errors.DataLoss: grpc.StatusCode.DATA_LOSS,
    errors.Internal: grpc.StatusCode.INTERNAL,
}
"""Status code of each error class."""

_ERRORS = {code: error for error, code in STATUS_CODES.items()}
_PEER_LOST = (grpc.StatusCode.CANCELLED, grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL)
_STATUS_KEY = "grpc-status-details-bin"
# With more than 8 KiB of metadata, some of them not ours, an answer reaches its client as
# RESOURCE_EXHAUSTED instead.
_MAX_TRAILER_BYTES = 7 * 1024
_MAX_METADATA_CHARACTERS = 256
_SHORTEST_CUT = 64


def to_rpc_status(error: errors.ServiceError, request_id: str = "") -> status_pb2.Status:
    """Return the rich status of an error: code, message, `ErrorInfo` and what else applies.

    A text that quotes so much of the request that no client would get the answer is cut.
    """
    text = error.message
    status = _rpc_status(error, text, request_id)
    while _trailer_bytes(status) > _MAX_TRAILER_BYTES and len(text) > _SHORTEST_CUT:
        text = f"{text[: len(text) // 2]}…"
        status = _rpc_status(error, text, request_id)
    return status


def status_code(error: errors.ServiceError) -> grpc.StatusCode:
    """Return the status code of an error by its class or the nearest parent in the table."""
    for cls in type(error).__mro__:
        if cls in STATUS_CODES:
            return STATUS_CODES[cls]
    return grpc.StatusCode.INTERNAL


def error_from_rpc(error: grpc.aio.AioRpcError) -> errors.ServiceError:
    """Return the error that the peer raised: the same class, reason, field and metadata.

    A reply that no part of the suite wrote (connection refused, message too large) gets the status
    code's name with the prefix `RPC_` as its reason, for example `RPC_UNAVAILABLE`. Where that is
    what gRPC says of a peer that went away in the middle of a call, it is `Unavailable`. Its text
    stays out of the message, which may travel on to users: it holds addresses.
    """
    status = _rich_status(error)
    code = error.code()
    found: dict[str, Any] = {"reason": f"RPC_{code.name}"}
    for detail in status.details if status else ():
        _read_detail(detail, found)
    message = status.message if status else f"Another service did not answer: {code.name}."
    lost = status is None and code in _PEER_LOST
    return (errors.Unavailable if lost else _ERRORS.get(code, errors.Internal))(message, **found)


def _rpc_status(error: errors.ServiceError, text: str, request_id: str) -> status_pb2.Status:
    packed = []
    for message in _details(error, text, request_id):
        packed.append(AnyMessage())
        packed[-1].Pack(message)
    code: int = status_code(error).value[0]
    return status_pb2.Status(code=code, message=text, details=packed)


def _trailer_bytes(status: status_pb2.Status) -> int:
    """Return the size of a status on the wire: percent-encoded text, and all of it in base64."""
    encoded: int = status.ByteSize() * 4 // 3
    return encoded + len(quote(status.message))


def _details(error: errors.ServiceError, text: str, request_id: str) -> Iterator[Message]:
    metadata = {key: value[:_MAX_METADATA_CHARACTERS] for key, value in error.metadata.items()}
    yield details.ErrorInfo(reason=error.reason, domain=ERROR_DOMAIN, metadata=metadata)
    if error.field:
        violation = details.BadRequest.FieldViolation(
            field=error.field, description=text, reason=error.reason
        )
        yield details.BadRequest(field_violations=[violation])
    if error.retry_after_seconds is not None:
        retry = details.RetryInfo()
        retry.retry_delay.FromNanoseconds(int(error.retry_after_seconds * 1e9))
        yield retry
    yield from _details_by_class(error, text, metadata)
    if request_id:
        yield details.RequestInfo(request_id=request_id)


def _details_by_class(
    error: errors.ServiceError, text: str, metadata: Mapping[str, str]
) -> Iterator[Message]:
    if isinstance(error, errors.NotFound) and "resource_type" in metadata:
        yield details.ResourceInfo(
            resource_type=metadata["resource_type"],
            resource_name=metadata.get("resource_name", ""),
            description=text,
        )
    if isinstance(error, errors.FailedPrecondition):
        violation = details.PreconditionFailure.Violation(
            type=error.reason, subject=error.field, description=text
        )
        yield details.PreconditionFailure(violations=[violation])


def _rich_status(error: grpc.aio.AioRpcError) -> status_pb2.Status | None:
    for key, value in error.trailing_metadata() or ():
        if key == _STATUS_KEY and isinstance(value, bytes):
            return status_pb2.Status.FromString(value)
    return None


def _read_detail(detail: AnyMessage, found: dict[str, Any]) -> None:
    if detail.Is(details.ErrorInfo.DESCRIPTOR):
        info = details.ErrorInfo.FromString(detail.value)
        found.update(reason=info.reason, metadata=dict(info.metadata))
    elif detail.Is(details.BadRequest.DESCRIPTOR):
        violations = details.BadRequest.FromString(detail.value).field_violations
        found.update(field=violations[0].field if violations else "")
    elif detail.Is(details.RetryInfo.DESCRIPTOR):
        delay = details.RetryInfo.FromString(detail.value).retry_delay
        found.update(retry_after_seconds=delay.ToNanoseconds() / 1e9)
