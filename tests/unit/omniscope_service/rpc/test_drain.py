"""How a service stops: in order, without losing calls, without waiting for watches.

No test here measures time: the grace is longer than a test may take, so a stop that used it up
would not end.
"""

import asyncio
import itertools
from contextlib import AsyncExitStack
from typing import Any

import grpc
import pytest
from google.api.httpbody_pb2 import HttpBody
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from omniscope.common.v1 import job_event_pb2, job_pb2
from omniscope.registry.v1 import (
    job_service_pb2,
    job_service_pb2_grpc,
    model_service_pb2,
    model_service_pb2_grpc,
)
from omniscope_service.app import running
from omniscope_service.rpc.server import Registration
from omniscope_service.rpc.status import error_from_rpc
from omniscope_service.testing.serving import channel

GET = job_service_pb2.GetJobRequest(job_id="j")
WATCH = job_event_pb2.WatchRequest(job_id="j")
FOREVER_SECONDS = 3600.0
make_reflection_stub: Any = reflection_pb2_grpc.ServerReflectionStub  # typed for sync channels


@pytest.fixture
def patient(service):
    """The service with more patience than a test has."""
    service.grace_seconds = service.drain_seconds = FOREVER_SECONDS
    return service


async def read_all(call):
    """Read a stream; give its messages and what it ended with."""
    messages = []
    try:
        async for message in call:
            messages.append(message)  # noqa: PERF401 - those before an error count
    except grpc.aio.AioRpcError as err:
        return messages, err
    return messages, None


async def endless(request, context):
    yield job_event_pb2.JobEvent(sequence=1)
    await asyncio.Event().wait()


async def test_an_open_watch_is_told_to_end_and_to_come_back(patient, job_servicer, tokens):
    job_servicer.on_watch = endless

    async with AsyncExitStack() as client:
        async with running(patient) as started:
            opened = await client.enter_async_context(channel(started.target, tokens.user))
            call = job_service_pb2_grpc.JobServiceStub(opened).WatchJob(WATCH)
            await call.read()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call.read()

    error = error_from_rpc(caught.value)
    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
    assert (error.reason, error.retry_after_seconds) == ("SERVER_DRAINING", 1)


async def test_a_watch_that_writes_all_the_time_ends_after_a_message(
    patient, job_servicer, tokens
):
    entered = asyncio.Event()

    async def chatty(request, context):
        entered.set()
        for sequence in itertools.count(1):
            yield job_event_pb2.JobEvent(sequence=sequence)

    job_servicer.on_watch = chatty
    async with AsyncExitStack() as client:
        async with running(patient) as started:
            opened = await client.enter_async_context(channel(started.target, tokens.user))
            call = job_service_pb2_grpc.JobServiceStub(opened).WatchJob(WATCH)
            reading = asyncio.create_task(read_all(call))
            await entered.wait()

        events, error = await reading

    assert error_from_rpc(error).reason == "SERVER_DRAINING"
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))


async def test_many_watches_end_whatever_they_are_doing(patient, job_servicer, tokens):
    all_entered = asyncio.Event()
    entered = itertools.count(1)

    async def busy(request, context):
        if next(entered) == 50:
            all_entered.set()
        for sequence in itertools.count(1):
            yield job_event_pb2.JobEvent(sequence=sequence)
            await asyncio.sleep(0.001 * (sequence % 3))

    job_servicer.on_watch = busy
    async with AsyncExitStack() as client:
        async with running(patient) as started:
            opened = await client.enter_async_context(channel(started.target, tokens.user))
            stub = job_service_pb2_grpc.JobServiceStub(opened)
            readings = [asyncio.create_task(read_all(stub.WatchJob(WATCH))) for _ in range(50)]
            await all_entered.wait()

        ends = [error_from_rpc(error).reason for _, error in await asyncio.gather(*readings)]

    assert ends == ["SERVER_DRAINING"] * 50


async def test_a_watch_of_health_ends_too(patient):
    async with AsyncExitStack() as client:
        async with running(patient) as started:
            opened = await client.enter_async_context(channel(started.target))
            stub: Any = health_pb2_grpc.HealthStub(opened)
            call = stub.Watch(health_pb2.HealthCheckRequest())
            answer = await call.read()

        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        assert await call.code() == grpc.StatusCode.UNAVAILABLE


async def test_a_reflection_that_a_client_keeps_open_ends_too(patient, tokens):
    async with AsyncExitStack() as client:
        async with running(patient) as started:
            opened: Any = await client.enter_async_context(channel(started.target, tokens.user))
            call: Any = make_reflection_stub(opened).ServerReflectionInfo()
            await call.write(reflection_pb2.ServerReflectionRequest(list_services=""))
            await call.read()

        assert await call.code() == grpc.StatusCode.UNAVAILABLE


async def test_a_download_is_finished_before_the_server_stops(patient, job_servicer, tokens):
    go_on = asyncio.Event()

    async def download(request, context):
        yield HttpBody(data=b"first")
        await go_on.wait()
        yield HttpBody(data=b"last")

    class ModelServicer(model_service_pb2_grpc.ModelServiceServicer):
        DownloadModel = staticmethod(download)

    add = model_service_pb2_grpc.add_ModelServiceServicer_to_server
    models: Any = ModelServicer
    patient.registrations.append(Registration(models(), add, "omniscope.registry.v1.ModelService"))
    async with AsyncExitStack() as client:
        async with running(patient) as started:
            opened = await client.enter_async_context(channel(started.target, tokens.user))
            call: Any = model_service_pb2_grpc.ModelServiceStub(opened).DownloadModel(
                model_service_pb2.DownloadModelRequest(model_id="m")
            )
            await call.read()
            asyncio.get_running_loop().call_later(0.05, go_on.set)

        assert (await call.read()).data == b"last"
        assert await call.read() is grpc.aio.EOF


async def test_health_is_not_serving_before_workers_are_told(patient):
    seen: list[Any] = []

    async def work(stop):
        await stop.wait()
        assert started._server
        health: Any = started._server.health
        seen.append(await health.Check(health_pb2.HealthCheckRequest(), None))

    patient.workers = [work]
    async with running(patient) as started:
        await asyncio.sleep(0)

    assert [answer.status for answer in seen] == [health_pb2.HealthCheckResponse.NOT_SERVING]


async def test_a_call_that_runs_is_finished_before_the_server_stops(patient, job_servicer, tokens):
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def slow(request, context):
        entered.set()
        await go_on.wait()
        return job_pb2.Job(job_id="done")

    job_servicer.on_get = slow
    async with AsyncExitStack() as client:
        async with running(patient) as started:
            opened = await client.enter_async_context(channel(started.target, tokens.user))
            call = job_service_pb2_grpc.JobServiceStub(opened).GetJob(GET)
            await entered.wait()
            asyncio.get_running_loop().call_later(0.05, go_on.set)

        assert (await call).job_id == "done"


async def test_a_call_that_outlasts_the_grace_is_cancelled(service, job_servicer, tokens):
    entered, cancelled = asyncio.Event(), asyncio.Event()

    async def stuck(request, context):
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    job_servicer.on_get = stuck
    service.grace_seconds = 0.05
    async with AsyncExitStack() as client:
        async with running(service) as started:
            opened = await client.enter_async_context(channel(started.target, tokens.user))
            call = job_service_pb2_grpc.JobServiceStub(opened).GetJob(GET)
            await entered.wait()
        with pytest.raises(grpc.aio.AioRpcError):
            await call

    await cancelled.wait()


async def test_everything_stops_in_order(patient, job_servicer, tokens):
    order: list[str] = []
    entered, told, call_ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work(stop):
        await stop.wait()
        order.append("worker is told")
        told.set()
        await call_ended.wait()
        await asyncio.sleep(0.05)
        order.append("worker has handed back")

    async def loop():
        try:
            await asyncio.Event().wait()
        finally:
            order.append("loop is cancelled")

    async def slow(request, context):
        entered.set()
        await told.wait()
        await asyncio.sleep(0.05)
        order.append("call ends")
        call_ended.set()
        return job_pb2.Job()

    job_servicer.on_get = slow
    patient.workers = [work]
    patient.background = [loop]
    async with AsyncExitStack() as resources:
        resources.callback(order.append, "resources are closed")
        async with running(patient) as started:
            opened = await resources.enter_async_context(channel(started.target, tokens.user))
            call = asyncio.ensure_future(job_service_pb2_grpc.JobServiceStub(opened).GetJob(GET))
            await entered.wait()
        await call

    assert order == [
        "worker is told",
        "call ends",
        "worker has handed back",
        "loop is cancelled",
        "resources are closed",
    ]


async def test_a_worker_that_does_not_end_is_cancelled(service):
    service.registrations = []
    service.drain_seconds = 0.01
    ended = []

    async def deaf(stop):
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(stop.is_set())

    service.workers = [deaf]
    async with running(service):
        await asyncio.sleep(0)

    assert ended == [True]


async def test_a_loop_that_ends_by_itself_is_noticed(service):
    async def fail():
        raise ValueError("gone")

    service.background = [fail]
    async with running(service) as started:
        await started.ended()
