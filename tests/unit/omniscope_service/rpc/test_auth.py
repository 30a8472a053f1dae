"""Who may call what, over a real connection."""

from typing import Any

import grpc
import pytest
from google.protobuf import any_pb2, descriptor_pool, empty_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.empty_pb2 import Empty
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from omniscope.common.v1 import job_event_pb2, job_input_pb2, method_policy_pb2
from omniscope.registry.v1 import (
    dataset_service_pb2,
    dataset_service_pb2_grpc,
    job_intake_service_pb2,
    job_intake_service_pb2_grpc,
    job_service_pb2,
    job_service_pb2_grpc,
    worker_service_pb2,
    worker_service_pb2_grpc,
)
from omniscope_service.app import Service
from omniscope_service.errors import ConfigurationError, Unauthenticated
from omniscope_service.rpc.auth import Identity, LocalTokens, Role, current_caller
from omniscope_service.rpc.server import Registration
from omniscope_service.rpc.status import error_from_rpc
from omniscope_service.testing.serving import channel, serve

UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED
PERMISSION_DENIED = grpc.StatusCode.PERMISSION_DENIED
NAMES = ["user", "service", "worker"]
EMPTY = ".google.protobuf.Empty"


def lease():
    return worker_service_pb2.AttemptLease(job_id="j", attempt=1, lease_token="t")


def submit_request():
    return job_intake_service_pb2.SubmitJobRequest(
        service="automl",
        model_type="automl.tabular",
        config=any_pb2.Any(),
        inputs=[job_input_pb2.JobInput(role="training", dataset_id="d")],
        model_name="m",
        hard_limit_seconds=1,
    )


async def get_job(opened):
    stub = job_service_pb2_grpc.JobServiceStub(opened)
    return await stub.GetJob(job_service_pb2.GetJobRequest(job_id="j"))


async def cancel_job(opened):
    stub = job_service_pb2_grpc.JobServiceStub(opened)
    return await stub.CancelJob(job_service_pb2.CancelJobRequest(job_id="j"))


async def watch_job(opened):
    stub = job_service_pb2_grpc.JobServiceStub(opened)
    return [event async for event in stub.WatchJob(job_event_pb2.WatchRequest(job_id="j"))]


async def upload(opened):
    stub = dataset_service_pb2_grpc.DatasetServiceStub(opened)
    request = dataset_service_pb2.UploadDatasetRequest(name="a", format="csv")
    request.data.data = b"a,b"
    return await stub.UploadDataset(iter([request]))


async def submit_job(opened):
    stub = job_intake_service_pb2_grpc.JobIntakeServiceStub(opened)
    return await stub.SubmitJob(submit_request())


async def heartbeat(opened):
    stub = worker_service_pb2_grpc.WorkerServiceStub(opened)
    return await stub.Heartbeat(worker_service_pb2.HeartbeatRequest(lease=lease()))


async def reflect(opened):
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(opened)
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    return [answer async for answer in stub.ServerReflectionInfo(iter([request]))]


EVERY_KIND = [get_job, watch_job, upload, submit_job, heartbeat, reflect]


async def refusal(call, target, token="", caller_token=""):
    async with channel(target, token, caller_token) as opened:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(opened)
    return caught.value.code(), error_from_rpc(caught.value).reason


@pytest.mark.parametrize("call", EVERY_KIND)
async def test_a_call_without_a_token_is_refused(call, target):
    assert await refusal(call, target) == (UNAUTHENTICATED, "TOKEN_MISSING")


@pytest.mark.parametrize("call", EVERY_KIND)
@pytest.mark.parametrize("token", ["0" * 64, "x"])
async def test_a_call_with_a_wrong_token_is_refused(call, token, target):
    assert await refusal(call, target, token) == (UNAUTHENTICATED, "TOKEN_INVALID")


@pytest.mark.parametrize("value", ["Basic abc", "token", "Bearer"])
async def test_an_authorization_that_is_no_bearer_token_is_refused(value, target):
    stub = job_service_pb2_grpc.JobServiceStub(grpc.aio.insecure_channel(target))

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.GetJob(
            job_service_pb2.GetJobRequest(job_id="j"), metadata=(("authorization", value),)
        )

    assert error_from_rpc(caught.value).reason == "TOKEN_MALFORMED"


async def test_two_tokens_in_one_call_are_refused(target, tokens):
    async with channel(target, tokens.user) as opened:
        stub = job_service_pb2_grpc.JobServiceStub(opened)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.GetJob(
                job_service_pb2.GetJobRequest(job_id="j"),
                metadata=(("authorization", f"Bearer {tokens.worker}"),),
            )

    assert error_from_rpc(caught.value).reason == "TOKEN_MALFORMED"


async def test_nothing_is_decoded_or_received_before_the_caller_is_known(target, dataset_servicer):
    async with channel(target) as opened:
        method = opened.unary_unary("/omniscope.registry.v1.JobService/GetJob")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await method(b"\xff\xff")
    await refusal(upload, target)

    assert caught.value.code() == UNAUTHENTICATED
    assert dataset_servicer.received == 0


async def test_a_user_is_the_owner_of_what_it_asks_for(target, tokens):
    async with channel(target, tokens.user) as opened:
        assert (await get_job(opened)).created_by == "local"
        assert len(await watch_job(opened)) == 1
        assert (await upload(opened)).size_bytes == 3


@pytest.mark.parametrize("call", [submit_job, heartbeat])
async def test_a_user_may_not_call_internal_methods(call, target, tokens):
    assert await refusal(call, target, tokens.user) == (PERMISSION_DENIED, "ROLE_NOT_ALLOWED")


@pytest.mark.parametrize("call", [get_job, watch_job, upload, submit_job])
async def test_a_worker_may_call_worker_methods_only(call, target, tokens):
    assert await refusal(call, target, tokens.worker) == (PERMISSION_DENIED, "ROLE_NOT_ALLOWED")


async def test_a_worker_acts_for_itself(target, tokens):
    async with channel(target, tokens.worker) as opened:
        assert (await heartbeat(opened)).cancel_requested


@pytest.mark.parametrize("call", [get_job, watch_job, upload, submit_job])
async def test_a_service_must_say_for_whom_it_calls(call, target, tokens):
    refused = await refusal(call, target, tokens.service)

    assert refused == (UNAUTHENTICATED, "CALLER_TOKEN_MISSING")


@pytest.mark.parametrize("call", [get_job, submit_job])
async def test_behind_a_service_the_user_is_the_owner(call, target, tokens):
    async with channel(target, tokens.service, tokens.user) as opened:
        assert (await call(opened)).created_by == "local"


@pytest.mark.parametrize("call", [get_job, watch_job, submit_job])
async def test_a_service_with_a_wrong_caller_token_is_refused(call, target, tokens):
    refused = await refusal(call, target, tokens.service, "0" * 64)

    assert refused == (UNAUTHENTICATED, "TOKEN_INVALID")


@pytest.mark.parametrize("caller", ["service", "worker"])
@pytest.mark.parametrize("call", [get_job, submit_job, heartbeat])
async def test_a_service_may_not_act_for_another_process(call, caller, target, tokens):
    refused = await refusal(call, target, tokens.service, getattr(tokens, caller))

    assert refused == (PERMISSION_DENIED, "CALLER_TOKEN_NOT_ALLOWED")


async def test_a_service_may_not_call_worker_methods_for_a_user(target, tokens):
    refused = await refusal(heartbeat, target, tokens.service, tokens.user)

    assert refused == (PERMISSION_DENIED, "ROLE_NOT_ALLOWED")


@pytest.mark.parametrize("name", ["user", "worker"])
async def test_only_a_service_may_act_for_others(name, target, tokens):
    refused = await refusal(get_job, target, getattr(tokens, name), tokens.user)

    assert refused == (PERMISSION_DENIED, "CALLER_TOKEN_NOT_ALLOWED")


def probe_service(tokens):
    """A service whose proto is made here: one method states no policy, one no role, one a role."""
    file = FileDescriptorProto(
        name="probe.proto",
        package="probe",
        syntax="proto3",
        dependency=[empty_pb2.DESCRIPTOR.name],
    )
    methods = file.service.add(name="Probe").method
    for name in ("Unstated", "ForNobody", "ForViewers"):
        methods.add(name=name, input_type=EMPTY, output_type=EMPTY)
    policy = method_policy_pb2.policy
    methods[1].options.Extensions[policy].visibility = method_policy_pb2.VISIBILITY_PUBLIC
    methods[2].options.Extensions[policy].roles.append(method_policy_pb2.ROLE_VIEWER)
    descriptor_pool.Default().AddSerializedFile(file.SerializeToString())

    async def answer(request, context):
        return Empty()

    handler: Any = grpc.unary_unary_rpc_method_handler(
        answer, Empty.FromString, Empty.SerializeToString
    )
    names = (*(method.name for method in methods), "NotInTheProto")
    generic = grpc.method_handlers_generic_handler("probe.Probe", dict.fromkeys(names, handler))

    def add(_, server):
        server.add_generic_rpc_handlers((generic,))

    registration = Registration(None, add, "grpc.health.v1.Health")
    return Service("probe", registrations=[registration], verifier=tokens)


async def test_a_method_is_open_to_those_its_proto_names_and_else_to_nobody(tokens):
    def calling(name):
        async def go(opened):
            return await opened.unary_unary(f"/probe.Probe/{name}")(b"")

        return go

    async with serve(probe_service(tokens)) as target:
        for name in ("Unstated", "ForNobody", "NotInTheProto"):
            for identity in NAMES:
                refused = await refusal(calling(name), target, getattr(tokens, identity))
                assert refused == (PERMISSION_DENIED, "METHOD_NOT_ALLOWED")
        async with channel(target, tokens.user) as opened:
            assert await calling("ForViewers")(opened) == b""


async def test_health_needs_no_token(target):
    async with channel(target) as opened:
        stub: Any = health_pb2_grpc.HealthStub(opened)
        answer = await stub.Check(
            health_pb2.HealthCheckRequest(service="omniscope.registry.v1.JobService")
        )

    assert answer.status == health_pb2.HealthCheckResponse.SERVING


@pytest.mark.parametrize("name", NAMES)
async def test_reflection_is_open_to_every_identity(name, target, tokens):
    async with channel(target, getattr(tokens, name)) as opened:
        answers = await reflect(opened)

    names = {service.name for service in answers[0].list_services_response.service}
    assert "omniscope.registry.v1.JobService" in names


class OneViewer:
    """Knows a viewer, and a service, by their names."""

    async def verify(self, token):
        if token == "viewer":
            return Identity("vera", frozenset({Role.VIEWER}))
        if token == "service":
            return Identity("service", frozenset({Role.SERVICE}))
        raise Unauthenticated("Unknown.", reason="TOKEN_INVALID")


async def test_a_viewer_may_read_and_not_change(service):
    service.verifier = OneViewer()
    async with serve(service) as target:
        async with channel(target, "viewer") as opened:
            assert (await get_job(opened)).created_by == "vera"
        for call in (cancel_job, upload):
            refused = await refusal(call, target, "viewer")
            assert refused == (PERMISSION_DENIED, "ROLE_NOT_ALLOWED")


@pytest.mark.parametrize("call", [cancel_job, upload, submit_job])
async def test_a_viewer_gains_nothing_behind_a_service(call, service):
    service.verifier = OneViewer()
    async with serve(service) as target:
        refused = await refusal(call, target, "service", "viewer")

    assert refused == (PERMISSION_DENIED, "ROLE_NOT_ALLOWED")


def test_there_is_no_caller_outside_of_a_request():
    with pytest.raises(LookupError):
        current_caller()


def test_tokens_do_not_show_in_texts(tokens):
    for secret in (tokens.user, tokens.service, tokens.worker):
        assert secret not in repr(tokens)


def test_a_missing_token_file_is_named(home):
    (home / "worker-token").unlink()

    with pytest.raises(ConfigurationError, match=r"worker-token: No such file"):
        LocalTokens.read(home)


def test_a_token_file_that_others_can_read_is_refused(home):
    (home / "token").chmod(0o640)

    with pytest.raises(ConfigurationError, match=r"token is open to others \(mode 0640\)"):
        LocalTokens.read(home)


@pytest.mark.parametrize("text", ["", "abc", "G" * 64, "a" * 63])
def test_a_file_without_a_token_is_refused(text, home):
    (home / "service-token").write_text(text)

    with pytest.raises(ConfigurationError, match=r"service-token holds no token"):
        LocalTokens.read(home)
