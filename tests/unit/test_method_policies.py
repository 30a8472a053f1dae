"""Every method of the protos states a policy, and one that makes sense."""

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet, MethodDescriptorProto

from omniscope.common.v1 import method_policy_pb2 as policies
from omniscope.common.v1.method_policy_pb2 import MethodPolicy
from tools.method_policies import faults
from tools.proto_files import proto_files

READ = MethodPolicy(roles=[policies.ROLE_VIEWER], visibility=policies.VISIBILITY_PUBLIC)


@pytest.fixture
def image() -> FileDescriptorSet:
    return proto_files()


def method_of(image: FileDescriptorSet, service: str, name: str) -> MethodDescriptorProto:
    services = (found for file in image.file for found in file.service)
    methods = next(found.method for found in services if found.name == service)
    return next(method for method in methods if method.name == name)


def test_every_method_states_a_policy_that_makes_sense(image):
    assert list(faults(image)) == []


def test_a_method_without_a_policy_is_named(image):
    method_of(image, "JobService", "GetJob").options.ClearExtension(policies.policy)

    assert list(faults(image)) == ["omniscope.registry.v1.JobService.GetJob: states no policy"]


@pytest.mark.parametrize(
    ("name", "policy", "fault"),
    [
        ("GetJob", MethodPolicy(visibility=policies.VISIBILITY_PUBLIC), "names no role"),
        ("GetJob", MethodPolicy(roles=[policies.ROLE_VIEWER]), "neither public nor internal"),
        ("GetJob", MethodPolicy(timeout_seconds=5, endless=True), "is endless, and its answer"),
        ("WatchJob", MethodPolicy(timeout_seconds=5), "has a timeout, and streams have none"),
        ("GetJob", MethodPolicy(timeout_seconds=-1), "has a timeout of -1 s"),
        ("GetJob", MethodPolicy(caller_roles=[policies.ROLE_ADMIN]), "has caller_roles"),
        ("GetJob", MethodPolicy(roles=[policies.ROLE_WORKER]), "public methods are for users"),
    ],
)
def test_a_policy_that_contradicts_itself_is_told_why(image, name, policy, fault):
    stated = method_of(image, "JobService", name).options.Extensions[policies.policy]
    if fault.startswith(("names", "neither")):
        stated.CopyFrom(policy)
    else:
        stated.MergeFrom(policy)

    assert any(fault in found for found in faults(image))


def test_a_public_method_without_a_rest_path_is_told_so(image):
    method_of(image, "WorkerService", "Heartbeat").options.Extensions[policies.policy].CopyFrom(
        READ
    )

    assert list(faults(image)) == [
        "omniscope.registry.v1.WorkerService.Heartbeat: is public and has no REST path"
    ]


def test_an_internal_method_with_a_rest_path_is_told_so(image):
    stated = method_of(image, "JobService", "GetJob").options.Extensions[policies.policy]
    stated.CopyFrom(
        MethodPolicy(roles=[policies.ROLE_WORKER], visibility=policies.VISIBILITY_INTERNAL)
    )

    assert list(faults(image)) == [
        "omniscope.registry.v1.JobService.GetJob: is internal and has a REST path"
    ]
