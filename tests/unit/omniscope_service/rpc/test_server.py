"""Limits, health and reflection of a server, over a real connection."""

from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from omniscope.common.v1 import job_pb2
from omniscope.registry.v1 import dataset_service_pb2, dataset_service_pb2_grpc, job_service_pb2
from omniscope_service.errors import ConfigurationError
from omniscope_service.rpc.server import start_server
from omniscope_service.testing.serving import channel, serve

GET = job_service_pb2.GetJobRequest(job_id="j")
MEBIBYTE = 1024 * 1024
make_reflection_stub: Any = reflection_pb2_grpc.ServerReflectionStub  # typed for sync channels


async def health_of(target: str, service: str) -> Any:
    async with channel(target) as opened:
        stub: Any = health_pb2_grpc.HealthStub(opened)
        answer = await stub.Check(health_pb2.HealthCheckRequest(service=service))
    return answer.status


async def described_services(target: str, token: str) -> set[str]:
    async with channel(target, token) as opened:
        stub = make_reflection_stub(opened)
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        answers = [answer async for answer in stub.ServerReflectionInfo(iter([request]))]
    return {service.name for service in answers[0].list_services_response.service}


def upload_of(size_bytes: int) -> dataset_service_pb2.UploadDatasetRequest:
    request = dataset_service_pb2.UploadDatasetRequest(name="a", format="csv")
    request.data.data = bytes(size_bytes)
    return request


async def test_a_message_of_almost_4_mib_passes(user_channel):
    stub = dataset_service_pb2_grpc.DatasetServiceStub(user_channel)

    stored = await stub.UploadDataset(iter([upload_of(4 * MEBIBYTE - 100)]))

    assert stored.size_bytes == 4 * MEBIBYTE - 100


async def test_a_greater_message_is_refused(user_channel):
    stub = dataset_service_pb2_grpc.DatasetServiceStub(user_channel)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.UploadDataset(iter([upload_of(4 * MEBIBYTE)]))

    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_an_answer_over_the_limit_is_not_sent(job_servicer, jobs):
    async def answer(request, context):
        return job_pb2.Job(message="x" * 4 * MEBIBYTE)

    job_servicer.on_get = answer

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await jobs.GetJob(GET)

    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_metadata_of_4_kib_pass(jobs):
    await jobs.GetJob(GET, metadata=(("padding", "x" * 4096),))


async def test_metadata_over_8_kib_are_refused(jobs):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await jobs.GetJob(GET, metadata=(("padding", "x" * 9000),))

    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_two_servers_cannot_share_a_port(service, target):
    with pytest.raises(ConfigurationError, match=f"Cannot listen on {target}: the port is taken"):
        await start_server(target, service.registrations, service.verifier)


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]", "192.168.1.7", "example.org"])
async def test_an_address_beyond_loopback_is_refused(host, service):
    with pytest.raises(ConfigurationError, match="loopback interface only"):
        await start_server(f"{host}:0", service.registrations, service.verifier)


@pytest.mark.parametrize("listen", ["", "8080", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:65536"])
async def test_what_is_no_address_is_refused(listen, service):
    with pytest.raises(ConfigurationError, match="is no address"):
        await start_server(listen, service.registrations, service.verifier)


@pytest.mark.parametrize("service_name", ["", "omniscope.registry.v1.DatasetService"])
async def test_a_started_server_reports_serving(service_name, target):
    assert await health_of(target, service_name) == health_pb2.HealthCheckResponse.SERVING


async def test_health_of_an_unknown_service_is_not_found(target):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await health_of(target, "omniscope.unknown")

    assert caught.value.code() == grpc.StatusCode.NOT_FOUND


OF_GRPC = {"grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}


async def test_reflection_lists_what_is_served(service, tokens):
    async with serve(service) as target:
        names = await described_services(target, tokens.user)

    assert names == {registration.full_name for registration in service.registrations} | OF_GRPC


async def test_reflection_lists_what_it_is_told_to_and_no_internal_service(service, tokens):
    service.described = ("omniscope.registry.v1.ModelService",)
    async with serve(service) as target:
        names = await described_services(target, tokens.user)

    assert names == {"omniscope.registry.v1.ModelService"} | OF_GRPC
