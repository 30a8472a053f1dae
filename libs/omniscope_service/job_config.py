"""The configuration of a job: the request that started it, as the registry keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from google.protobuf import any_pb2

from omniscope_service.errors import InvalidArgument

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from omniscope.registry.v1.worker_service_pb2 import ClaimJobResponse

    RequestT = TypeVar("RequestT", bound=Message)

# They belong to the call, not to the work.
_OF_THE_CALL: Final = frozenset({"request_id", "validate_only"})


def pack_config(request: Message) -> any_pb2.Any:
    """Return a request, every default filled in, as a configuration; it stays as it is."""
    config: Any = type(request)()
    config.CopyFrom(request)
    for name in _OF_THE_CALL.intersection(config.DESCRIPTOR.fields_by_name):
        config.ClearField(name)
    packed = any_pb2.Any()
    # The registry tells a repeated request by its bytes.
    packed.Pack(config, deterministic=True)
    return packed


def unpack_config(claim: ClaimJobResponse, kind: type[RequestT]) -> RequestT:
    """Return the request that started a claimed job.

    Raises:
        InvalidArgument: The configuration is of another kind, reason CONFIG_UNKNOWN.
    """
    config = kind()
    if not claim.job.config.Unpack(config):
        raise InvalidArgument(
            f"The job's configuration is {claim.job.config.type_url!r}, no "
            f"{kind.DESCRIPTOR.full_name}.",
            reason="CONFIG_UNKNOWN",
            field="config",
        )
    return config
