"""Who may speak to the gateway: hosts, web origins, and headers that nobody outside may send."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from omniscope_gateway.settings import GatewaySettings

# Identity comes from `authorization` alone. The rest would be believed by somebody behind us.
_UNTRUSTED_PREFIXES: Final = (
    "omniscope-",
    "x-forwarded-",
    "x-auth-",
    "x-authenticated-",
    "x-remote-",
    "x-user",
    "x-envoy-",
    "x-original-",
)
_UNTRUSTED_HEADERS: Final = (
    "forwarded",
    "x-real-ip",
    "remote-user",
    "kubeflow-userid",
    "proxy-authorization",
)
# What gRPC-Web clients send and read beyond the headers that browsers allow anyway.
_WEB_REQUEST_HEADERS: Final = "authorization,content-type,grpc-timeout,x-grpc-web,x-user-agent"
_WEB_RESPONSE_HEADERS: Final = (
    "grpc-status,grpc-message,grpc-status-details-bin,x-request-id,content-disposition"
)


def untrusted_headers() -> dict[str, Any]:
    """Return the mutation that removes untrusted headers before anything reads them."""
    matchers = [
        *({"prefix": prefix, "ignore_case": True} for prefix in _UNTRUSTED_PREFIXES),
        *({"exact": name, "ignore_case": True} for name in _UNTRUSTED_HEADERS),
    ]
    return {
        "name": "envoy.http.early_header_mutation.header_mutation",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.http.early_header_mutation"
            ".header_mutation.v3.HeaderMutation",
            "mutations": [{"remove_on_match": {"key_matcher": matcher}} for matcher in matchers],
        },
    }


def allow_list(settings: GatewaySettings) -> dict[str, Any]:
    """Return the filter that refuses other Host and Origin headers with 403.

    A page on the internet whose name resolves to a loopback address sends its own name as Host.
    """
    host = _header(":authority", [{"exact": host, "ignore_case": True} for host in settings.hosts])
    no_origin = {"header": {"name": "origin", "present_match": False}}
    permission = {
        "and_rules": {
            "rules": [host, {"or_rules": {"rules": [no_origin, _origin_rule(settings)]}}]
        }
    }
    return {
        "name": "envoy.filters.http.rbac",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
            "rules": {
                "action": "ALLOW",
                "policies": {
                    "known": {"permissions": [permission], "principals": [{"any": True}]}
                },
            },
        },
    }


def cross_origin(settings: GatewaySettings) -> dict[str, Any]:
    """Return the policy that tells browsers which pages may call: the same as in `allow_list`."""
    return {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy",
        "allow_origin_string_match": _origins(settings),
        "allow_methods": "GET,POST,PUT,PATCH,DELETE",
        "allow_headers": _WEB_REQUEST_HEADERS,
        "expose_headers": _WEB_RESPONSE_HEADERS,
        "max_age": "600",
    }


def _origin_rule(settings: GatewaySettings) -> dict[str, Any]:
    return _header("origin", _origins(settings))


def _origins(settings: GatewaySettings) -> list[dict[str, Any]]:
    hosts = "|".join(re.escape(host) for host in settings.hosts)
    own_pages = {"safe_regex": {"regex": rf"https?://(?:{hosts})(?::[0-9]+)?"}}
    return [own_pages, *({"exact": origin} for origin in settings.origins)]


def _header(name: str, values: list[dict[str, Any]]) -> dict[str, Any]:
    rules = [{"header": {"name": name, "string_match": value}} for value in values]
    return {"or_rules": {"rules": rules}}
