"""Which call goes to which service, and how long it may take.

Routes name gRPC paths only: the transcoder has turned REST calls into them by then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from omniscope_gateway.access import cross_origin
from omniscope_gateway.bodies import LIMITED_BODY, UNLIMITED_BODY
from omniscope_gateway.services import public_methods, upload_paths
from omniscope_suite.methods import is_streaming, method_path, timeout_seconds

if TYPE_CHECKING:
    from google.protobuf.descriptor import MethodDescriptor

    from omniscope_gateway.services import PublicServices
    from omniscope_gateway.settings import GatewaySettings

# Services end calls without a deadline themselves, and their answer is better than ours.
_PATIENCE_SECONDS: Final = 5
# Watches beat every 15 s, but a server that reads a large upload says nothing until it is done.
_STREAM_IDLE_TIMEOUT: Final = "900s"
# Only what no service has begun to work on: a connection that closed while it was idle, say.
_RETRIES: Final = {"retry_on": "connect-failure,refused-stream", "num_retries": 2}
# Everything depends on it.
_REGISTRY: Final = "registry"
# For operators: health of the registry, and reflection, which lists the public services of all.
_OPERATOR_SERVICES: Final = ("grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection")
# Where REST calls stand until the transcoder has turned them into gRPC calls or refused them: the
# filters before it find their policies here. No call is ever sent this way.
_REST_PREFIX: Final = "/api/"


def route_configuration(settings: GatewaySettings, services: PublicServices) -> dict[str, Any]:
    """Return the routes of everything that is public; whatever has none answers NOT_FOUND."""
    public = [
        _method_route(method, cluster)
        for cluster, group in services.items()
        for service in group
        for method in public_methods(service)
    ]
    operators = [_stream({"prefix": f"/{name}/"}, _REGISTRY) for name in _OPERATOR_SERVICES]
    return {
        "name": "public",
        "virtual_hosts": [
            {
                "name": "public",
                "domains": ["*"],
                "routes": [*public, *operators, *_rest_routes(services)],
                "typed_per_filter_config": {
                    "envoy.filters.http.cors": cross_origin(settings),
                    **UNLIMITED_BODY,
                },
            }
        ],
    }


def _rest_routes(services: PublicServices) -> list[dict[str, Any]]:
    action = {"cluster": _REGISTRY}
    uploads = [
        path for group in services.values() for service in group for path in upload_paths(service)
    ]
    other = _route({"prefix": _REST_PREFIX}, action)
    return [
        *(_route({"path": path}, action) for path in uploads),
        {**other, "typed_per_filter_config": LIMITED_BODY},
    ]


def _method_route(method: MethodDescriptor, cluster: str) -> dict[str, Any]:
    match = {"path": method_path(method)}
    if is_streaming(method):
        return _stream(match, cluster)
    return _unary(match, cluster, timeout_seconds(method) + _PATIENCE_SECONDS)


def _unary(match: dict[str, Any], cluster: str, seconds: int) -> dict[str, Any]:
    action = {"cluster": cluster, "timeout": f"{seconds}s", "retry_policy": _RETRIES}
    return _route(match, action)


def _stream(match: dict[str, Any], cluster: str) -> dict[str, Any]:
    return _route(
        match,
        {
            "cluster": cluster,
            "timeout": "0s",
            "idle_timeout": _STREAM_IDLE_TIMEOUT,
            # A deadline of the client's holds, however long; without one a stream has none.
            "max_stream_duration": {
                "max_stream_duration": "0s",
                "grpc_timeout_header_max": "0s",
            },
        },
    )


def _route(match: dict[str, Any], action: dict[str, Any]) -> dict[str, Any]:
    return {"match": {**match, "case_sensitive": True}, "route": action}
