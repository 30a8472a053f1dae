"""The policy against the protos as they are."""

import importlib
from pathlib import Path

from omniscope_service.rpc.auth import Role
from omniscope_service.rpc.policy import CALLER_ROLES, POLICY, PUBLIC

GENERATED = Path(__file__).parents[4] / "gen"


def every_method():
    """Full names of the methods of every service in gen, with their service."""
    for path in GENERATED.rglob("*_pb2.py"):
        name = ".".join(path.relative_to(GENERATED).with_suffix("").parts)
        descriptor = importlib.import_module(name).DESCRIPTOR
        for service in descriptor.services_by_name.values():
            for method in service.methods:
                yield f"/{service.full_name}/{method.name}", service.name


def test_every_method_of_every_proto_has_an_entry_and_no_entry_is_stale():
    entries = {method for method in POLICY if method.startswith("/omniscope.")}

    assert entries == {method for method, _ in every_method()}


def test_every_entry_names_a_role():
    assert all(POLICY.values())


def test_only_health_is_public():
    assert {"/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch"} == PUBLIC


def test_internal_services_are_closed_to_users_and_the_others_to_processes():
    internal = {"JobIntakeService", "WorkerService", "ProjectionService"}
    processes = {Role.WORKER, Role.SERVICE}

    for method, service in every_method():
        assert (POLICY[method] <= processes) == (service in internal), method
        assert not POLICY[method] & processes or service in internal, method


def test_caller_roles_are_for_methods_of_services_only():
    for method, roles in CALLER_ROLES.items():
        assert POLICY[method] == {Role.SERVICE}
        assert not roles & {Role.WORKER, Role.SERVICE}
