"""Errors with a stable reason, as they cross service borders. Free of any transport."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class ConfigurationError(Exception):
    """A process cannot start as it was configured; the message says what to change.

    Not a `ServiceError`: it ends the process with exit status 78 and never reaches a client.
    """


class ServiceError(Exception):
    """An error that a caller may see as it is.

    Raise a subclass, which stands for one gRPC status code; `omniscope_service.rpc.status` holds
    the table. Any other exception reaches the client as INTERNAL without its text.

    Args:
        message: One sentence that names the offending value and what is allowed.
        reason: UPPER_SNAKE constant, stable API.
        field: Path of the offending request field, for example `config.split.test_fraction`.
        metadata: Further facts for programs. `resource_type` and `resource_name` of a `NotFound`
            also become a `google.rpc.ResourceInfo`.
        retry_after_seconds: How long a client should wait before it tries again.
    """

    def __init__(
        self,
        message: str,
        *,
        reason: str,
        field: str = "",
        metadata: Mapping[str, str] | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.field = field
        self.metadata: Mapping[str, str] = MappingProxyType(dict(metadata or {}))
        self.retry_after_seconds = retry_after_seconds


class InvalidArgument(ServiceError):
    """The request is wrong whatever the state of the system."""


class NotFound(ServiceError):
    """The named thing does not exist, or belongs to somebody else."""


class AlreadyExists(ServiceError):
    """The thing to be created is there already."""


class FailedPrecondition(ServiceError):
    """The system is not in a state in which the request can work."""


class PermissionDenied(ServiceError):
    """The caller is known and may not do this."""


class Unauthenticated(ServiceError):
    """The caller did not prove who it is."""


class ResourceExhausted(ServiceError):
    """A quota, a size limit or a disk is used up."""


class Unavailable(ServiceError):
    """A part that is needed does not answer now; trying again may help."""


class DeadlineExceeded(ServiceError):
    """The work was not done in time; it may yet be done."""


class Aborted(ServiceError):
    """A concurrent change won, for example a newer attempt."""


class OutOfRange(ServiceError):
    """The request reads past what is kept."""


class DataLoss(ServiceError):
    """Stored data is missing or does not have the recorded hash."""


class Internal(ServiceError):
    """A peer failed and did not say how. Made from replies, never raised first."""
