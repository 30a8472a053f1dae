"""The exceptions of the client: what the suite refused, why it was not asked, or could not be."""

from collections.abc import Iterator

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2

STATUS_DETAILS = "grpc-status-details-bin"


class OmniscopeError(Exception):
    """A call did not succeed.

    Attributes:
        code: Name of the gRPC status, for example `NOT_FOUND`.
        reason: Stable UPPER_SNAKE reason, for example `DATASET_NOT_FOUND`; empty when the answer
            did not come from a service of the suite.
        field: Path of the request field to blame; empty when none is.
        message: One sentence for a person.
    """

    def __init__(self, code: str, message: str, *, reason: str = "", field: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.field = field
        self.message = message

    def __str__(self) -> str:
        """Return message, reason and field on one line."""
        notes = [self.reason or self.code, *([f"field {self.field}"] if self.field else [])]
        return f"{self.message} [{', '.join(notes)}]"

    @property
    def transient(self) -> bool:
        """Whether the connection is to blame rather than the request: asking again can help."""
        if self.code in ("UNAVAILABLE", "DEADLINE_EXCEEDED"):
            return True
        return not self.reason and self.code in ("INTERNAL", "UNKNOWN", "CANCELLED")

    @classmethod
    def from_rpc(cls, error: grpc.RpcError) -> "OmniscopeError":
        """Return what `error` says, with reason and field from its details."""
        assert isinstance(error, grpc.Call)  # every error of a started call is its call as well
        reason = field = ""
        for detail in _details(error):
            if isinstance(detail, error_details_pb2.ErrorInfo):
                reason = detail.reason
            elif isinstance(detail, error_details_pb2.BadRequest) and detail.field_violations:
                field = detail.field_violations[0].field
        message = error.details() or "The call failed without a message."
        return cls(error.code().name, message, reason=reason, field=field)


class RequestError(OmniscopeError, ValueError):
    """A request that cannot be written down, so that nothing was sent; a ValueError as well."""

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__("INVALID_ARGUMENT", message, reason="FIELD_INVALID", field=field)


def _details(call: grpc.Call) -> Iterator[Message]:
    for key, value in call.trailing_metadata() or ():
        if key == STATUS_DETAILS and isinstance(value, bytes):
            yield from _unpack(value)


def _unpack(serialized: bytes) -> Iterator[Message]:
    try:
        packed = status_pb2.Status.FromString(serialized).details
    except DecodeError:  # from a proxy that is not ours: code and message stand without it
        return
    for any_detail in packed:
        yield from _open(any_detail)


def _open(packed: Any) -> Iterator[Message]:
    for kind in (error_details_pb2.ErrorInfo, error_details_pb2.BadRequest):
        detail = kind()
        if packed.Unpack(detail):
            yield detail
