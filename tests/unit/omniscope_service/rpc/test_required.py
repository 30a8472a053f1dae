"""Required fields, over a real connection."""

import grpc
import pytest

from omniscope.common.v1 import job_event_pb2
from omniscope.registry.v1 import (
    dataset_service_pb2,
    dataset_service_pb2_grpc,
    job_service_pb2,
    worker_service_pb2,
    worker_service_pb2_grpc,
)
from omniscope_service.rpc.status import error_from_rpc
from omniscope_service.testing.serving import channel

pb = worker_service_pb2


@pytest.fixture
async def workers(target, tokens):
    async with channel(target, tokens.worker) as opened:
        yield worker_service_pb2_grpc.WorkerServiceStub(opened)


async def missing_field(awaitable):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await awaitable
    error = error_from_rpc(caught.value)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert error.reason == "FIELD_REQUIRED"
    assert error.message == f"{error.field} is required."
    return error.field


def lease(**changes):
    return pb.AttemptLease(**{"job_id": "j", "attempt": 1, "lease_token": "t", **changes})


async def test_a_missing_text_is_named(jobs):
    assert await missing_field(jobs.GetJob(job_service_pb2.GetJobRequest())) == "job_id"


async def test_a_missing_field_of_a_watch_is_named(jobs):
    call = jobs.WatchJob(job_event_pb2.WatchRequest())

    assert await missing_field(call.read()) == "job_id"


async def test_a_missing_message_is_named(workers):
    assert await missing_field(workers.Heartbeat(pb.HeartbeatRequest())) == "lease"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"job_id": ""}, "job_id"),
        ({"attempt": 0}, "attempt"),
        ({"lease_token": ""}, "lease_token"),
    ],
)
async def test_a_missing_field_one_level_down_is_named_by_its_path(changes, field, workers):
    request = pb.HeartbeatRequest(lease=lease(**changes))

    assert await missing_field(workers.Heartbeat(request)) == f"lease.{field}"


async def test_an_empty_list_is_missing(workers):
    request = pb.ReportEventsRequest(lease=lease())

    assert await missing_field(workers.ReportEvents(request)) == "events"


async def test_a_missing_field_in_a_list_is_named_with_its_index(workers):
    event = job_event_pb2.JobEvent()
    events = [pb.ReportedEvent(worker_sequence=1, event=event), pb.ReportedEvent(event=event)]
    request = pb.ReportEventsRequest(lease=lease(), events=events)

    assert await missing_field(workers.ReportEvents(request)) == "events[1].worker_sequence"


async def test_an_empty_message_is_present(workers):
    event = pb.ReportedEvent(worker_sequence=1, event=job_event_pb2.JobEvent())
    request = pb.ReportEventsRequest(lease=lease(), events=[event])

    assert (await workers.ReportEvents(request)).acknowledged_sequence == 1


async def test_only_the_first_message_of_an_upload_carries_required_fields(user_channel):
    stub = dataset_service_pb2_grpc.DatasetServiceStub(user_channel)
    first = dataset_service_pb2.UploadDatasetRequest(name="a", format="csv")
    first.data.data = b"ab"
    rest = dataset_service_pb2.UploadDatasetRequest()
    rest.data.data = b"c"

    stored = await stub.UploadDataset(iter([first, rest]))

    assert stored.size_bytes == 3
    assert await missing_field(stub.UploadDataset(iter([rest]))) == "name"
