"""Which services the outside may call, and what Envoy must know of them.

A service that is not listed here does not exist outside: neither by REST nor by gRPC.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.api import annotations_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.rpc import error_details_pb2, status_pb2

from omniscope.automl.v1 import automl_service_pb2
from omniscope.deeplearning.v1 import deep_learning_service_pb2
from omniscope.registry.v1 import (
    dataset_service_pb2,
    experiment_service_pb2,
    job_service_pb2,
    model_service_pb2,
)
from omniscope_suite.methods import is_public

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.descriptor import FileDescriptor, MethodDescriptor, ServiceDescriptor

# By the process that answers for them.
PUBLIC_SERVICES: Final[dict[str, tuple[ServiceDescriptor, ...]]] = {
    "automl": (automl_service_pb2.DESCRIPTOR.services_by_name["AutoMLService"],),
    "deeplearning": (
        deep_learning_service_pb2.DESCRIPTOR.services_by_name["DeepLearningService"],
    ),
    "registry": (
        dataset_service_pb2.DESCRIPTOR.services_by_name["DatasetService"],
        experiment_service_pb2.DESCRIPTOR.services_by_name["ExperimentService"],
        job_service_pb2.DESCRIPTOR.services_by_name["JobService"],
        model_service_pb2.DESCRIPTOR.services_by_name["ModelService"],
    ),
}
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


def descriptor_set() -> FileDescriptorSet:
    """Return the files of all public services with everything they import, imports first."""
    public = (service.file for group in PUBLIC_SERVICES.values() for service in group)
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
