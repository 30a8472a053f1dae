"""The services that the outside may call, as far as Envoy must know them.

A method that its proto does not call public does not exist outside: neither by REST nor by gRPC.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from google.api import annotations_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.rpc import error_details_pb2, status_pb2

from omniscope_suite.methods import is_public

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from google.protobuf.descriptor import FileDescriptor, MethodDescriptor, ServiceDescriptor

    PublicServices: TypeAlias = Mapping[str, tuple[ServiceDescriptor, ...]]
    """gRPC services with public methods, by the name of the upstream that answers for them."""

# Errors carry these inside `google.protobuf.Any`; without them Envoy cannot write them as JSON.
_ERROR_FILES: Final = (status_pb2.DESCRIPTOR, error_details_pb2.DESCRIPTOR)


def public_methods(service: ServiceDescriptor) -> tuple[MethodDescriptor, ...]:
    """Return the methods of a service that the outside may call."""
    return tuple(method for method in service.methods if is_public(method))


def upload_paths(service: ServiceDescriptor) -> tuple[str, ...]:
    """Return the REST paths whose bodies become streams of requests."""
    return tuple(
        method.GetOptions().Extensions[annotations_pb2.http].post
        for method in public_methods(service)
        if method.client_streaming
    )


def descriptor_set(services: PublicServices) -> FileDescriptorSet:
    """Return the files of public services with everything they import, imports first."""
    public = (service.file for group in services.values() for service in group)
    files = {
        needed.name: needed for file in (*public, *_ERROR_FILES) for needed in _with_imports(file)
    }
    return FileDescriptorSet(
        file=[FileDescriptorProto.FromString(file.serialized_pb) for file in files.values()]
    )


def _with_imports(file: FileDescriptor) -> Iterator[FileDescriptor]:
    for imported in file.dependencies:
        yield from _with_imports(imported)
    yield file
