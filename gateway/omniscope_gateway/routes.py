"""Which call goes to which service, and how long it may take.

Routes name gRPC paths only: the transcoder has turned REST calls into them by then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from omniscope_gateway.access import cross_origin
from omniscope_gateway.bodies import LIMITED_BODY, UNLIMITED_BODY
from omniscope_gateway.services import PUBLIC_SERVICES, streaming_paths, upload_paths

if TYPE_CHECKING:
    from google.protobuf.descriptor import ServiceDescriptor

    from omniscope_gateway.settings import GatewaySettings

# Services end unary calls without a deadline after 60 s, long ones after 900 s; their answer is
# better than ours.
_UNARY_TIMEOUT: Final = "65s"
_LONG_CALLS: Final = {"/omniscope.registry.v1.DatasetService/ImportDataset": "905s"}
# Watches beat every 15 s, but a server that reads a large upload says nothing until it is done.
_STREAM_IDLE_TIMEOUT: Final = "900s"
# Only what no service has begun to work on: a connection that closed while it was idle, say.
_RETRIES: Final = {"retry_on": "connect-failure,refused-stream", "num_retries": 2}
# For operators: health of the registry, on which everything depends, and reflection by a service
# that knows the public services of all others, but not the registry's internal ones.
_OPERATOR_SERVICES: Final = {
    "grpc.health.v1.Health": "registry",
    "grpc.reflection.v1alpha.ServerReflection": "automl",
}
# Where REST calls stand until the transcoder has turned them into gRPC calls or refused them: the
# filters before it find their policies here. No call is ever sent this way.
_REST_PREFIX: Final = "/api/"


def route_configuration(settings: GatewaySettings) -> dict[str, Any]:
    """Return the routes of everything that is public; whatever has none answers NOT_FOUND."""
    public = [
        route
        for cluster, services in PUBLIC_SERVICES.items()
        for service in services
        for route in _service_routes(service, cluster)
    ]
    operators = [
        _stream({"prefix": f"/{service}/"}, cluster)
        for service, cluster in _OPERATOR_SERVICES.items()
    ]
    return {
        "name": "public",
        "virtual_hosts": [
            {
                "name": "public",
                "domains": ["*"],
                "routes": [*public, *operators, *_rest_routes()],
                "typed_per_filter_config": {
                    "envoy.filters.http.cors": cross_origin(settings),
                    **UNLIMITED_BODY,
                },
            }
        ],
    }


def _rest_routes() -> list[dict[str, Any]]:
    action = {"cluster": "registry"}
    uploads = [
        path
        for services in PUBLIC_SERVICES.values()
        for service in services
        for path in upload_paths(service)
    ]
    other = _route({"prefix": _REST_PREFIX}, action)
    return [
        *(_route({"path": path}, action) for path in uploads),
        {**other, "typed_per_filter_config": LIMITED_BODY},
    ]


def _service_routes(service: ServiceDescriptor, cluster: str) -> list[dict[str, Any]]:
    streams = [_stream({"path": path}, cluster) for path in streaming_paths(service)]
    prefix = f"/{service.full_name}/"
    long_calls = [
        _unary({"path": path}, cluster, timeout)
        for path, timeout in _LONG_CALLS.items()
        if path.startswith(prefix)
    ]
    return [*streams, *long_calls, _unary({"prefix": prefix}, cluster, _UNARY_TIMEOUT)]


def _unary(match: dict[str, Any], cluster: str, timeout: str) -> dict[str, Any]:
    return _route(match, {"cluster": cluster, "timeout": timeout, "retry_policy": _RETRIES})


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
