"""Refusals that Envoy writes itself, in the form in which services refuse.

REST callers read `{"code", "message", "details"}` from whoever answered; gRPC callers get the
message as it is.
"""

from __future__ import annotations

from typing import Any, Final

# HTTP status: canonical gRPC code, reason, message for a person.
_REFUSALS: Final[dict[int, tuple[int, str, str]]] = {
    400: (3, "REQUEST_MALFORMED", ""),
    403: (7, "ORIGIN_REFUSED", "this Host or Origin header is not on the gateway's allow-list"),
    404: (5, "METHOD_UNKNOWN", "no method has this path and verb"),
    413: (8, "REQUEST_TOO_LARGE", "the body is larger than the gateway takes for this method"),
    503: (14, "SERVICE_UNREACHABLE", "the service that answers this call cannot be reached"),
    504: (4, "DEADLINE_EXCEEDED", "the service did not answer in time"),
}


def local_replies() -> dict[str, Any]:
    """Return how Envoy's own refusals are written."""
    return {
        "mappers": [
            {
                "filter": _grpc_call(),
                "body_format_override": {
                    "text_format_source": {"inline_string": "%LOCAL_REPLY_BODY%"}
                },
            },
            *(
                {
                    "filter": _status(status),
                    "body_format_override": _body(code, reason, message),
                }
                for status, (code, reason, message) in _REFUSALS.items()
            ),
        ]
    }


def _body(code: int, reason: str, message: str) -> dict[str, Any]:
    return {
        "json_format": {
            "code": code,
            "message": message or "%LOCAL_REPLY_BODY%",
            "details": [
                {
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": reason,
                    "domain": "omniscope",
                    "metadata": {},
                }
            ],
        }
    }


def _grpc_call() -> dict[str, Any]:
    # The transcoder makes a gRPC call of a REST call and notes down what it was.
    grpc = {"name": "content-type", "string_match": {"prefix": "application/grpc"}}
    not_rest = {"name": "x-envoy-original-path", "present_match": False}
    filters = [{"header_filter": {"header": header}} for header in (grpc, not_rest)]
    return {"and_filter": {"filters": filters}}


def _status(status: int) -> dict[str, Any]:
    return {
        "status_code_filter": {
            "comparison": {
                "op": "EQ",
                "value": {"default_value": status, "runtime_key": f"gateway.refusal.{status}"},
            }
        }
    }
