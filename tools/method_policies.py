"""Fails when a method of the protos states no policy, or one that contradicts itself.

`python -m tools.method_policies IMAGE`, with the descriptor set that protoc made of the protos.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from google.api import annotations_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from omniscope.common.v1 import method_policy_pb2 as policies

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.descriptor_pb2 import MethodDescriptorProto

_PROCESSES: Final = frozenset({policies.ROLE_WORKER, policies.ROLE_SERVICE})


def faults(image: FileDescriptorSet) -> Iterator[str]:
    """Yield a line for each fault of a method's policy, with the method's full name."""
    for file in image.file:
        for service in file.service:
            for method in service.method:
                for fault in _faults_of(method):
                    yield f"{file.package}.{service.name}.{method.name}: {fault}"


def _faults_of(method: MethodDescriptorProto) -> Iterator[str]:
    if not method.options.HasExtension(policies.policy):
        yield "states no policy"
        return
    policy = method.options.Extensions[policies.policy]
    roles = frozenset(policy.roles)
    public = policy.visibility == policies.VISIBILITY_PUBLIC
    if not roles or policies.ROLE_UNSPECIFIED in roles:
        yield "names no role, or the unspecified one"
    if policy.visibility == policies.VISIBILITY_UNSPECIFIED:
        yield "is neither public nor internal"
    elif roles & _PROCESSES if public else roles - _PROCESSES:
        yield "public methods are for users, internal ones for processes"
    if public and not method.options.HasExtension(annotations_pb2.http):
        yield "is public and has no REST path"
    if not public and method.options.HasExtension(annotations_pb2.http):
        yield "is internal and has a REST path"
    if policy.caller_roles and roles != {policies.ROLE_SERVICE}:
        yield "has caller_roles, which are for methods of services"
    if policy.endless and not method.server_streaming:
        yield "is endless, and its answer is no stream"
    if policy.timeout_seconds and (method.server_streaming or method.client_streaming):
        yield "has a timeout, and streams have none"
    if policy.timeout_seconds < 0:
        yield f"has a timeout of {policy.timeout_seconds} s, which must be positive"


def main() -> None:
    """Print the faults of an image; exit with 1 when there is one."""
    image = FileDescriptorSet.FromString(Path(sys.argv[1]).read_bytes())
    found = list(faults(image))
    sys.exit("\n".join(found) if found else 0)


if __name__ == "__main__":
    main()
