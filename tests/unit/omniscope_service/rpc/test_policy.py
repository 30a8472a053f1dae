"""What servers make of the policies that protos state."""

from omniscope.registry.v1 import (  # noqa: F401 - their methods are known once they are imported
    dataset_service_pb2,
    job_intake_service_pb2,
    job_service_pb2,
)
from omniscope_service.rpc.auth import Role
from omniscope_service.rpc.policy import policy_of

REGISTRY = "/omniscope.registry.v1"
USERS = {Role.VIEWER, Role.TRAINER, Role.OPERATOR, Role.ADMIN}


def test_a_role_that_is_enough_makes_those_above_it_enough():
    assert policy_of(f"{REGISTRY}.DatasetService/GetDataset").roles == USERS
    assert policy_of(f"{REGISTRY}.DatasetService/DeleteDataset").roles == USERS - {Role.VIEWER}


def test_services_submit_jobs_for_users_who_may_train():
    policy = policy_of(f"{REGISTRY}.JobIntakeService/SubmitJob")

    assert policy.roles == {Role.SERVICE}
    assert policy.caller_roles == USERS - {Role.VIEWER}


def test_an_import_has_the_time_that_its_proto_states():
    assert policy_of(f"{REGISTRY}.DatasetService/ImportDataset").timeout_seconds == 900
    assert policy_of(f"{REGISTRY}.DatasetService/GetDataset").timeout_seconds == 0


def test_watches_are_endless_and_downloads_are_not():
    assert policy_of(f"{REGISTRY}.JobService/WatchJob").endless
    assert not policy_of(f"{REGISTRY}.DatasetService/DownloadDataset").endless


def test_only_health_needs_no_identity():
    assert policy_of("/grpc.health.v1.Health/Check").anonymous
    assert not policy_of("/grpc.health.v1.Health/List").anonymous


def test_a_method_that_nobody_knows_is_open_to_nobody():
    assert not policy_of("/probe.Unknown/Go").roles
