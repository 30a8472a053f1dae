"""Which calls a channel may repeat by itself: those that the protos declare idempotent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf.descriptor_pb2 import MethodOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from google.protobuf.descriptor import ServiceDescriptor

# Longer in all than a channel waits before it connects again: a peer that is back is found.
_RETRY_POLICY = {
    "maxAttempts": 5,
    "initialBackoff": "0.25s",
    "maxBackoff": "2s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}


def retry_config(services: Sequence[ServiceDescriptor]) -> dict[str, Any]:
    """Return gRPC's service configuration: idempotent methods are retried while UNAVAILABLE."""
    names = [
        {"service": service.full_name, "method": method.name}
        for service in services
        for method in service.methods
        if method.GetOptions().idempotency_level != MethodOptions.IDEMPOTENCY_UNKNOWN
    ]
    if not names:
        return {}
    return {"methodConfig": [{"name": names, "retryPolicy": _RETRY_POLICY}]}
