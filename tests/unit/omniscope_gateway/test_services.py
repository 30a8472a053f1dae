"""Every service is either public or internal, and somebody has decided which."""

import importlib
import pkgutil

from google.protobuf import descriptor_pool

import omniscope.automl.v1
import omniscope.deeplearning.v1
import omniscope.registry.v1
from omniscope_gateway.routes import route_configuration
from omniscope_gateway.services import descriptor_set, upload_paths
from omniscope_gateway.settings import Address, GatewaySettings
from omniscope_suite.services import public_services

INTERNAL_SERVICES = {
    "omniscope.registry.v1.JobIntakeService",
    "omniscope.registry.v1.ProjectionService",
    "omniscope.registry.v1.WorkerService",
}
SETTINGS = GatewaySettings(listen=Address("127.0.0.1", 8080), upstreams={})
SERVICES = public_services()
PUBLIC = [service for group in SERVICES.values() for service in group]


def all_services() -> set[str]:
    return {
        service.full_name
        for package in (
            omniscope.automl.v1,
            omniscope.deeplearning.v1,
            omniscope.registry.v1,
        )
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
        if module.name.endswith("_pb2")
        for service in importlib.import_module(module.name).DESCRIPTOR.services_by_name.values()
    }


def test_every_service_is_public_or_internal():
    public = {service.full_name for service in PUBLIC}

    assert public | INTERNAL_SERVICES == all_services()
    assert not public & INTERNAL_SERVICES


def test_the_descriptor_set_is_complete_and_holds_no_internal_service():
    files = descriptor_set(SERVICES).file

    pool = descriptor_pool.DescriptorPool()
    for file in files:
        pool.AddSerializedFile(file.SerializeToString())
    for service in PUBLIC:
        pool.FindServiceByName(service.full_name)
    pool.FindMessageTypeByName("google.rpc.ErrorInfo")
    defined = {f"{file.package}.{service.name}" for file in files for service in file.service}
    assert not defined & INTERNAL_SERVICES


def test_every_public_method_has_a_route_and_streams_have_no_timeout():
    routes = {
        route["match"]["path"]: route["route"]
        for route in route_configuration(SETTINGS, SERVICES)["virtual_hosts"][0]["routes"]
        if "path" in route["match"]
    }

    for service in PUBLIC:
        for method in service.methods:
            timeout = routes[f"/{service.full_name}/{method.name}"]["timeout"]
            streaming = method.client_streaming or method.server_streaming
            assert (timeout == "0s") == streaming, method.full_name


def test_a_call_that_its_service_gives_more_time_has_more_here():
    routes = route_configuration(SETTINGS, SERVICES)["virtual_hosts"][0]["routes"]
    imports = [route for route in routes if "ImportDataset" in route["match"].get("path", "")]

    assert [route["route"]["timeout"] for route in imports] == ["905s"]


def test_uploads_have_fixed_paths():
    assert [path for service in PUBLIC for path in upload_paths(service)] == ["/api/ml/datasets"]
