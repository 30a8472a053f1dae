"""The methods as the protos state them: who may call each, from where, and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.protobuf import descriptor_pool

from omniscope.common.v1 import method_policy_pb2

if TYPE_CHECKING:
    from google.protobuf.descriptor import MethodDescriptor

    from omniscope.common.v1.method_policy_pb2 import MethodPolicy

DEFAULT_TIMEOUT_SECONDS: Final = 60
"""Time of a unary call whose policy names none, nor its client a deadline."""


def method_policy(method: MethodDescriptor) -> MethodPolicy | None:
    """Return the policy that a method's proto states; None when it states none."""
    options = method.GetOptions()
    if not options.HasExtension(method_policy_pb2.policy):
        return None
    return options.Extensions[method_policy_pb2.policy]


def find_method(path: str) -> MethodDescriptor | None:
    """Return a method by its HTTP/2 path, `/package.Service/Method`; None for an unknown one.

    Only methods whose generated modules are imported are known.
    """
    service, _, name = path.removeprefix("/").rpartition("/")
    try:
        return descriptor_pool.Default().FindMethodByName(f"{service}.{name}")
    except KeyError:
        return None


def method_path(method: MethodDescriptor) -> str:
    """Return a method's HTTP/2 path."""
    return f"/{method.containing_service.full_name}/{method.name}"


def is_public(method: MethodDescriptor) -> bool:
    """Tell whether a method can be reached through the gateway."""
    policy = method_policy(method)
    return policy is not None and policy.visibility == method_policy_pb2.VISIBILITY_PUBLIC


def is_streaming(method: MethodDescriptor) -> bool:
    """Tell whether a method streams, in either direction."""
    return method.client_streaming or method.server_streaming


def timeout_seconds(method: MethodDescriptor) -> int:
    """Return what a unary call gets when its client names no deadline."""
    policy = method_policy(method)
    return (policy.timeout_seconds if policy else 0) or DEFAULT_TIMEOUT_SECONDS
