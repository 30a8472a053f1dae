"""How large a body may be.

Envoy holds the body of a unary REST call in memory until it is whole, before any service has seen
the caller's token. Uploads and native calls flow through; the services bound those.
"""

from __future__ import annotations

from typing import Any, Final

UNARY_REQUEST_BYTES: Final = 8 * 1024 * 1024
# A gRPC message ends at 4 MiB; as JSON, with field names, it is some times larger.
UNARY_RESPONSE_BYTES: Final = 32 * 1024 * 1024

_FILTER: Final = "envoy.filters.http.buffer"
_PER_ROUTE: Final = "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.BufferPerRoute"

# For routes: whether the filter below holds their bodies, or lets them pass.
LIMITED_BODY: Final[dict[str, Any]] = {
    _FILTER: {"@type": _PER_ROUTE, "buffer": {"max_request_bytes": UNARY_REQUEST_BYTES}}
}
UNLIMITED_BODY: Final[dict[str, Any]] = {_FILTER: {"@type": _PER_ROUTE, "disabled": True}}


def body_limit() -> dict[str, Any]:
    """Return the filter that refuses larger bodies with 413."""
    return {
        "name": _FILTER,
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer",
            "max_request_bytes": UNARY_REQUEST_BYTES,
        },
    }
