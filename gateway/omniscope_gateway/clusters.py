"""The services behind the gateway, as Envoy reaches them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from omniscope_gateway.settings import Address

_OPTIONS: Final = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_BUFFER_BYTES: Final = 32 * 1024
# Every open watch is a request; the services limit themselves.
_MAX_REQUESTS: Final = 10_000


def cluster(name: str, address: Address) -> dict[str, Any]:
    """Return the cluster of one service: HTTP/2 to every address that its name has."""
    return {
        "name": name,
        "type": "STRICT_DNS",
        "connect_timeout": "2s",
        "per_connection_buffer_limit_bytes": _BUFFER_BYTES,
        "load_assignment": {"cluster_name": name, "endpoints": [_endpoint(address)]},
        "circuit_breakers": {
            "thresholds": [
                {"max_requests": _MAX_REQUESTS, "max_pending_requests": _MAX_REQUESTS},
            ]
        },
        "typed_extension_protocol_options": {
            _OPTIONS: {
                "@type": f"type.googleapis.com/{_OPTIONS}",
                "explicit_http_config": {"http2_protocol_options": _http2()},
            }
        },
    }


def _http2() -> dict[str, Any]:
    return {
        "initial_stream_window_size": 64 * 1024,
        "initial_connection_window_size": 1024 * 1024,
        # A machine that vanished without closing is noticed, also while only watches are open.
        "connection_keepalive": {"interval": "60s", "timeout": "10s"},
    }


def _endpoint(address: Address) -> dict[str, Any]:
    socket_address = {"address": address.host, "port_value": address.port}
    endpoint = {"endpoint": {"address": {"socket_address": socket_address}}}
    return {"lb_endpoints": [endpoint]}
