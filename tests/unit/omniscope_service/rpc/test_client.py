"""Channels between services, over a real connection."""

import asyncio
import socket
import time
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace
from typing import Any

import grpc
import pytest

from omniscope.common.v1 import job_event_pb2, job_pb2
from omniscope.registry.v1 import job_service_pb2
from omniscope_service import errors
from omniscope_service.app import running
from omniscope_service.registry_client import RegistryClient
from omniscope_service.rpc.auth import Caller, Role, bind_caller, current_caller
from omniscope_service.rpc.client import DEFAULT_DEADLINE_SECONDS, stream
from omniscope_service.rpc.context import bind_request_id, current_request_id
from omniscope_service.rpc.retries import retry_config
from omniscope_service.rpc.status import error_from_rpc

GET = job_service_pb2.GetJobRequest(job_id="j")
CANCEL = job_service_pb2.CancelJobRequest(job_id="j")
WATCH = job_event_pb2.WatchRequest(job_id="j")


@pytest.fixture
async def registry(target, tokens):
    async with RegistryClient(target, tokens.user) as client:
        yield client


@pytest.fixture
async def behind_service(target, tokens):
    """A client of a service that acts for its caller."""
    async with RegistryClient(target, tokens.service, forward_caller=True) as client:
        yield client


async def test_an_error_arrives_as_the_class_that_was_raised(registry, job_servicer):
    raised = errors.FailedPrecondition(
        "The job has ended.", reason="JOB_NOT_CANCELLABLE", field="job_id"
    )

    async def fail(request, context):
        raise raised

    job_servicer.on_get = fail

    with pytest.raises(errors.FailedPrecondition) as caught:
        await registry.jobs.GetJob(GET)

    assert vars(caught.value) == vars(raised)


async def test_an_error_of_a_stream_arrives_as_the_class_that_was_raised(registry, job_servicer):
    async def fail_midway(request, context):
        yield job_event_pb2.JobEvent(sequence=1)
        raise errors.OutOfRange("The token is too old.", reason="RESUME_TOKEN_EXPIRED")

    job_servicer.on_watch = fail_midway
    events = stream(registry.jobs.WatchJob(WATCH))

    assert (await anext(events)).sequence == 1
    with pytest.raises(errors.OutOfRange, match="too old"):
        await anext(events)


async def test_a_peer_that_is_not_there_is_unavailable(tokens):
    async with RegistryClient("127.0.0.1:1", tokens.user) as client:
        with pytest.raises(errors.Unavailable) as caught:
            await client.jobs.GetJob(GET, timeout=20)

    assert caught.value.reason == "RPC_UNAVAILABLE"


async def test_a_peer_that_goes_away_in_the_middle_of_a_call_is_unavailable(
    service, job_servicer, tokens
):
    entered = asyncio.Event()

    async def stuck(request, context):
        entered.set()
        await asyncio.Event().wait()

    job_servicer.on_get = stuck
    service.grace_seconds = 0
    async with AsyncExitStack() as client:
        async with running(service) as started:
            registry = RegistryClient(started.target, tokens.user)
            await client.enter_async_context(registry)
            call: Any = asyncio.ensure_future(registry.jobs.CancelJob(CANCEL, timeout=20))
            await entered.wait()

        with pytest.raises(errors.Unavailable):
            await call


@pytest.mark.parametrize(
    ("code", "error_class"),
    [
        (grpc.StatusCode.CANCELLED, errors.Unavailable),
        (grpc.StatusCode.UNKNOWN, errors.Unavailable),
        (grpc.StatusCode.INTERNAL, errors.Unavailable),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, errors.ResourceExhausted),
        (grpc.StatusCode.UNIMPLEMENTED, errors.Internal),
    ],
)
def test_a_reply_that_no_part_of_the_suite_wrote_has_a_class_and_keeps_grpcs_words_back(
    code, error_class
):
    error = error_from_rpc(grpc.aio.AioRpcError(code, details="failed to connect to 10.0.0.7:80"))

    assert type(error) is error_class
    assert error.reason == f"RPC_{code.name}"
    assert error.message == f"Another service did not answer: {code.name}."


async def test_a_call_that_names_no_deadline_gets_one(registry, job_servicer):
    seen = []

    async def answer(request, context):
        seen.append(context.time_remaining())
        return job_pb2.Job()

    job_servicer.on_get = answer

    await registry.jobs.GetJob(GET)
    await registry.jobs.GetJob(GET, timeout=7)

    assert 8 < seen[0] <= DEFAULT_DEADLINE_SECONDS + 1
    assert 0 < seen[1] <= 8


async def test_a_deadline_that_passes_is_deadline_exceeded(registry, job_servicer):
    async def stuck(request, context):
        await asyncio.Event().wait()

    job_servicer.on_get = stuck

    with pytest.raises(errors.DeadlineExceeded):
        await registry.jobs.GetJob(GET, timeout=0.05)


async def test_the_caller_and_the_request_id_are_sent_along(behind_service, job_servicer, tokens):
    async def answer(request, context):
        return job_pb2.Job(created_by=current_caller().subject, message=current_request_id())

    job_servicer.on_get = answer
    bind_caller(Caller("local", frozenset({Role.TRAINER}), tokens.user))
    bind_request_id("trace-11")

    job = await behind_service.jobs.GetJob(GET)

    assert (job.created_by, job.message) == ("local", "trace-11")


async def test_a_service_without_a_caller_cannot_call(behind_service):
    with pytest.raises(LookupError):
        await behind_service.jobs.GetJob(GET)


class FailingOnce:
    """Answers UNAVAILABLE to the first call."""

    def __init__(self) -> None:
        self.calls = 0

    async def __call__(self, request: Any, context: Any) -> job_pb2.Job:
        self.calls += 1
        if self.calls == 1:
            raise errors.Unavailable("Not now.", reason="PROBE_FAILED")
        return job_pb2.Job(job_id="second")


async def test_an_idempotent_call_is_repeated_while_the_peer_is_unavailable(
    registry, job_servicer
):
    job_servicer.on_get = FailingOnce()

    assert (await registry.jobs.GetJob(GET)).job_id == "second"


async def first_call_after_an_absence(seconds, service, tokens):
    """Who answers a client's first call to a server that another client had called in vain."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        target = f"127.0.0.1:{probe.getsockname()[1]}"
    async with (
        RegistryClient(target, tokens.worker) as waiting,
        RegistryClient(target, tokens.user) as client,
    ):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            with pytest.raises(errors.Unavailable):
                await waiting.jobs.GetJob(GET)
        async with running(replace(service, listen=target)):
            return (await client.jobs.GetJob(GET)).created_by


@pytest.mark.slow
async def test_a_peer_that_is_back_is_found_however_long_it_was_away(service, tokens):
    answered = await asyncio.gather(
        *(first_call_after_an_absence(seconds, service, tokens) for seconds in range(1, 11))
    )

    assert answered == ["local"] * 10


async def test_other_errors_are_not_repeated(registry, job_servicer):
    calls = []

    async def fail(request, context):
        calls.append(request)
        raise errors.Aborted("A newer attempt runs.", reason="STALE_ATTEMPT")

    job_servicer.on_get = fail

    with pytest.raises(errors.Aborted):
        await registry.jobs.GetJob(GET)

    assert len(calls) == 1


def test_a_method_that_is_not_idempotent_is_not_repeated():
    from google.protobuf import descriptor_pb2, descriptor_pool

    file = descriptor_pb2.FileDescriptorProto(name="probe.proto", package="probe")
    message = file.message_type.add(name="M").name
    service = file.service.add(name="S")
    service.method.add(name="Once", input_type=f".probe.{message}", output_type=".probe.M")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)

    assert retry_config([pool.FindServiceByName("probe.S")]) == {}


async def test_leaving_a_stream_early_ends_the_call_at_the_server(registry, job_servicer):
    ended = asyncio.Event()

    async def endless(request, context):
        try:
            yield job_event_pb2.JobEvent(sequence=1)
            await asyncio.Event().wait()
        finally:
            ended.set()

    job_servicer.on_watch = endless

    async with aclosing(stream(registry.jobs.WatchJob(WATCH))) as events:
        async for event in events:
            assert event.sequence == 1
            break

    await ended.wait()


async def test_a_cancelled_caller_cancels_its_call_at_the_server(registry, job_servicer):
    entered, ended = asyncio.Event(), asyncio.Event()

    async def stuck(request, context):
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    job_servicer.on_get = stuck
    task = asyncio.create_task(registry.jobs.GetJob(GET))
    await entered.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    await ended.wait()
