"""Deadlines of unary calls, over a real connection."""

import asyncio

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty

from omniscope_service.rpc.chain import Chain
from omniscope_service.rpc.interceptors import Deadline, Errors
from omniscope_service.rpc.status import error_from_rpc

ENOUGH_SECONDS = 30
SHORT_SECONDS = 0.05


async def outlast(request, context):
    await asyncio.sleep(4 * SHORT_SECONDS)
    return Empty()


async def outlast_stream(request, context):
    await asyncio.sleep(4 * SHORT_SECONDS)
    yield Empty()


async def time_out_inside(request, context):
    async with asyncio.timeout(0):
        await asyncio.Event().wait()


@pytest.fixture
async def opened():
    """A channel to a server whose default deadline is short."""
    server = grpc.aio.server(interceptors=[Chain([Errors(), Deadline(SHORT_SECONDS)])])
    codec = (Empty.FromString, Empty.SerializeToString)
    handlers = {
        "Outlast": grpc.unary_unary_rpc_method_handler(outlast, *codec),
        "OutlastStream": grpc.unary_stream_rpc_method_handler(outlast_stream, *codec),
        "TimeOutInside": grpc.unary_unary_rpc_method_handler(time_out_inside, *codec),
    }
    generic = grpc.method_handlers_generic_handler("probe.Probe", handlers)
    server.add_generic_rpc_handlers([generic])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
    await server.stop(None)


async def test_a_unary_call_that_names_no_deadline_ends_at_the_default(opened):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await opened.unary_unary("/probe.Probe/Outlast")(b"")

    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert error_from_rpc(caught.value).reason == "DEADLINE_EXCEEDED"


async def test_a_deadline_that_the_client_names_counts(opened):
    answer = await opened.unary_unary("/probe.Probe/Outlast")(b"", timeout=ENOUGH_SECONDS)

    assert answer == b""


async def test_a_stream_has_no_default_deadline(opened):
    assert await opened.unary_stream("/probe.Probe/OutlastStream")(b"").read() == b""


async def test_a_timeout_inside_of_the_servicer_is_not_the_default_deadline(opened):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await opened.unary_unary("/probe.Probe/TimeOutInside")(b"")

    assert caught.value.code() == grpc.StatusCode.INTERNAL
