"""The port that clients connect to: what HTTP is accepted, which filters a call goes through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from omniscope_gateway.access import allow_list, untrusted_headers
from omniscope_gateway.bodies import UNARY_REQUEST_BYTES, UNARY_RESPONSE_BYTES, body_limit
from omniscope_gateway.replies import local_replies
from omniscope_gateway.routes import route_configuration

if TYPE_CHECKING:
    from pathlib import Path

    from omniscope_gateway.services import PublicServices
    from omniscope_gateway.settings import GatewaySettings

CONNECTION_BUFFER_BYTES: Final = 32 * 1024
_FILTERS: Final = "type.googleapis.com/envoy.extensions.filters.http"


def listener(
    settings: GatewaySettings, services: PublicServices, descriptor_file: Path
) -> dict[str, Any]:
    """Return the listener, set up for callers that nobody vouches for."""
    return {
        "name": "public",
        "address": {
            "socket_address": {
                "address": settings.listen.host,
                "port_value": settings.listen.port,
            }
        },
        # Another process on the same port would get a share of the calls without anybody noticing.
        "enable_reuse_port": False,
        "per_connection_buffer_limit_bytes": CONNECTION_BUFFER_BYTES,
        "filter_chains": [{"filters": [_connection_manager(settings, services, descriptor_file)]}],
    }


def _connection_manager(
    settings: GatewaySettings, services: PublicServices, descriptor_file: Path
) -> dict[str, Any]:
    return {
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.network"
            ".http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "public",
            "codec_type": "AUTO",
            **_edge(),
            "early_header_mutation_extensions": [untrusted_headers()],
            "strip_any_host_port": True,
            "always_set_request_id_in_response": True,
            "local_reply_config": local_replies(),
            "access_log": [_access_log()],
            "route_config": route_configuration(settings, services),
            "http_filters": _filters(settings, services, descriptor_file),
        },
    }


def _edge() -> dict[str, Any]:
    # Envoy's own list of what to set where callers are not trusted.
    return {
        "use_remote_address": True,
        "normalize_path": True,
        "merge_slashes": True,
        "path_with_escaped_slashes_action": "REJECT_REQUEST",
        "common_http_protocol_options": {
            "idle_timeout": "3600s",
            "headers_with_underscores_action": "REJECT_REQUEST",
            "max_headers_count": 100,
        },
        "http2_protocol_options": {
            "max_concurrent_streams": 100,
            "initial_stream_window_size": 64 * 1024,
            "initial_connection_window_size": 1024 * 1024,
        },
        "max_request_headers_kb": 32,
        "request_headers_timeout": "10s",
        "stream_idle_timeout": "300s",
    }


def _filters(
    settings: GatewaySettings, services: PublicServices, descriptor_file: Path
) -> list[dict[str, Any]]:
    return [
        allow_list(settings),
        _filter("cors", f"{_FILTERS}.cors.v3.Cors"),
        _health(),
        body_limit(),
        _filter("grpc_web", f"{_FILTERS}.grpc_web.v3.GrpcWeb"),
        _transcoder(services, descriptor_file),
        _filter("router", f"{_FILTERS}.router.v3.Router", suppress_envoy_headers=True),
    ]


def _health() -> dict[str, Any]:
    return _filter(
        "health_check",
        f"{_FILTERS}.health_check.v3.HealthCheck",
        pass_through_mode=False,
        headers=[{"name": ":path", "string_match": {"exact": "/healthz"}}],
    )


def _transcoder(services: PublicServices, descriptor_file: Path) -> dict[str, Any]:
    return _filter(
        "grpc_json_transcoder",
        f"{_FILTERS}.grpc_json_transcoder.v3.GrpcJsonTranscoder",
        proto_descriptor=str(descriptor_file),
        services=[service.full_name for group in services.values() for service in group],
        print_options={
            "always_print_primitive_fields": True,
            "preserve_proto_field_names": True,
            "stream_sse_style_delimited": True,
        },
        case_insensitive_enum_parsing=True,
        # Most HTTP libraries write a space in a query as `+`.
        query_param_unescape_plus=True,
        convert_grpc_status=True,
        request_validation_options={
            "reject_unknown_method": True,
            "reject_unknown_query_parameters": True,
            "reject_binding_body_field_collisions": True,
        },
        max_request_body_size=UNARY_REQUEST_BYTES,
        max_response_body_size=UNARY_RESPONSE_BYTES,
    )


def _filter(name: str, type_url: str, **options: Any) -> dict[str, Any]:
    return {"name": f"envoy.filters.http.{name}", "typed_config": {"@type": type_url, **options}}


def _access_log() -> dict[str, Any]:
    return {
        "name": "envoy.access_loggers.stdout",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.access_loggers.stream.v3"
            ".StdoutAccessLog",
            "log_format": {
                "json_format": {
                    "time": "%START_TIME%",
                    "method": "%REQ(X-ENVOY-ORIGINAL-METHOD?:METHOD)%",
                    # Without the query: it may hold names of columns, or tokens of pages.
                    "path": "%PATH(NQ:ORIG_OR_PATH)%",
                    "code": "%RESPONSE_CODE%",
                    "grpc_status": "%GRPC_STATUS%",
                    "details": "%RESPONSE_CODE_DETAILS%",
                    "flags": "%RESPONSE_FLAGS%",
                    "received_bytes": "%BYTES_RECEIVED%",
                    "sent_bytes": "%BYTES_SENT%",
                    "milliseconds": "%DURATION%",
                    "request_id": "%REQ(X-REQUEST-ID)%",
                    "peer": "%DOWNSTREAM_REMOTE_ADDRESS%",
                }
            },
        },
    }
