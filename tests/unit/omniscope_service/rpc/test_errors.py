"""What clients see of errors, over a real connection."""

import asyncio
import json

import grpc
import pytest
from google.rpc import error_details_pb2 as details
from google.rpc import status_pb2
from structlog.testing import capture_logs

from omniscope.common.v1 import job_event_pb2
from omniscope.registry.v1 import dataset_service_pb2, dataset_service_pb2_grpc, job_service_pb2
from omniscope_service import errors
from omniscope_service.rpc.context import current_request_id
from omniscope_service.rpc.status import STATUS_CODES, error_from_rpc

GET = job_service_pb2.GetJobRequest(job_id="j")
WATCH = job_event_pb2.WatchRequest(job_id="j")
EVERY_CLASS = errors.ServiceError.__subclasses__()


def rich_status(error: grpc.aio.AioRpcError) -> status_pb2.Status:
    metadata = dict(error.trailing_metadata() or ())
    return status_pb2.Status.FromString(metadata["grpc-status-details-bin"])


def unpacked(status: status_pb2.Status, kind):
    for detail in status.details:
        if detail.Is(kind.DESCRIPTOR):
            return kind.FromString(detail.value)
    return None


async def written(logs, count):
    """Wait for log lines: a call's own line is written after its answer is sent."""
    while len(logs) < count:  # noqa: ASYNC110 - nothing tells when a line is written
        await asyncio.sleep(0.001)


async def read_all(call):
    return [message async for message in call]


def test_the_table_has_every_error_class_and_no_code_twice():
    assert set(STATUS_CODES) == set(EVERY_CLASS)
    assert len(set(STATUS_CODES.values())) == len(STATUS_CODES)


@pytest.mark.parametrize("error_class", EVERY_CLASS, ids=lambda cls: cls.__name__)
async def test_an_error_arrives_as_it_was_raised(error_class, job_servicer, jobs):
    raised = error_class(
        "Sample 3 has no value.",
        reason="PROBE_FAILED",
        field="config.samples[3]",
        metadata={"column": "tp53"},
        retry_after_seconds=2.5,
    )

    async def fail(request, context):
        raise raised

    job_servicer.on_get = fail

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await jobs.GetJob(GET)

    status = rich_status(caught.value)
    info = unpacked(status, details.ErrorInfo)
    violation = unpacked(status, details.BadRequest).field_violations[0]
    assert caught.value.code() == STATUS_CODES[error_class]
    assert caught.value.details() == status.message == "Sample 3 has no value."
    assert (info.domain, info.reason) == ("omniscope", "PROBE_FAILED")
    assert info.metadata == {"column": "tp53"}
    assert (violation.field, violation.reason) == ("config.samples[3]", "PROBE_FAILED")
    assert unpacked(status, details.RetryInfo).retry_delay.ToMilliseconds() == 2500
    received = error_from_rpc(caught.value)
    assert type(received) is error_class
    assert vars(received) == vars(raised)


async def test_what_was_not_found_is_named(job_servicer, jobs):
    async def fail(request, context):
        raise errors.NotFound(
            "There is no job 'j'.",
            reason="JOB_NOT_FOUND",
            metadata={"resource_type": "job", "resource_name": "j"},
        )

    job_servicer.on_get = fail

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await jobs.GetJob(GET)

    resource = unpacked(rich_status(caught.value), details.ResourceInfo)
    assert (resource.resource_type, resource.resource_name) == ("job", "j")


@pytest.mark.parametrize("text", ["x" * 100_000, "种" * 1000, "%" * 3000])
async def test_an_error_that_quotes_a_long_text_still_arrives(text, job_servicer, jobs):
    async def fail(request, context):
        metadata = {"resource_type": "job", "resource_name": text}
        raise errors.NotFound(
            f"There is no {text}.", reason="JOB_NOT_FOUND", field="job_id", metadata=metadata
        )

    job_servicer.on_get = fail

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await jobs.GetJob(GET)

    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    assert str(caught.value.details()).startswith(f"There is no {text[:100]}")
    assert error_from_rpc(caught.value).metadata["resource_name"] == text[:256]


async def test_a_failed_precondition_is_named(job_servicer, jobs):
    async def fail(request, context):
        raise errors.FailedPrecondition("The job has ended.", reason="JOB_NOT_CANCELLABLE")

    job_servicer.on_get = fail

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await jobs.GetJob(GET)

    failure = unpacked(rich_status(caught.value), details.PreconditionFailure)
    assert failure.violations[0].type == "JOB_NOT_CANCELLABLE"


async def test_details_that_do_not_apply_are_absent(job_servicer, jobs):
    async def fail(request, context):
        raise errors.NotFound("There is no job 'j'.", reason="JOB_NOT_FOUND")

    job_servicer.on_get = fail

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await jobs.GetJob(GET)

    kinds = {detail.TypeName() for detail in rich_status(caught.value).details}
    assert kinds == {"google.rpc.ErrorInfo", "google.rpc.RequestInfo"}


def assert_fixed_sentence(error: grpc.aio.AioRpcError, request_id: str) -> None:
    status = rich_status(error)
    assert error.code() == grpc.StatusCode.INTERNAL
    assert error.details() == (
        f"The server failed unexpectedly; its log has the details of request {request_id}."
    )
    assert unpacked(status, details.ErrorInfo).reason == "INTERNAL_ERROR"
    assert unpacked(status, details.RequestInfo).request_id == request_id
    assert b"hunter2" not in status.SerializeToString()


async def test_an_unexpected_exception_is_internal_without_its_text(job_servicer, jobs):
    async def fail(request, context):
        raise ValueError("password=hunter2")

    job_servicer.on_get = fail

    with capture_logs() as logs:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await jobs.GetJob(GET, metadata=(("x-request-id", "trace-7"),))
        await written(logs, 2)

    assert_fixed_sentence(caught.value, "trace-7")
    assert [line["event"] for line in logs] == ["unexpected exception", "call"]


async def test_an_unexpected_exception_in_a_stream_is_internal_too(job_servicer, jobs):
    async def fail_midway(request, context):
        yield job_event_pb2.JobEvent(sequence=1)
        raise ValueError("password=hunter2")

    job_servicer.on_watch = fail_midway
    call = jobs.WatchJob(WATCH, metadata=(("x-request-id", "trace-8"),))

    first = await call.read()
    with capture_logs(), pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()

    assert first.sequence == 1
    assert_fixed_sentence(caught.value, "trace-8")


async def test_an_unexpected_exception_in_an_upload_is_internal_too(
    dataset_servicer, user_channel
):
    dataset_servicer.failure = ValueError("password=hunter2")
    stub = dataset_service_pb2_grpc.DatasetServiceStub(user_channel)
    request = dataset_service_pb2.UploadDatasetRequest(name="a", format="csv")
    request.data.data = b"a,b"

    with capture_logs(), pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.UploadDataset(iter([request]), metadata=(("x-request-id", "trace-9"),))

    assert_fixed_sentence(caught.value, "trace-9")


async def test_an_error_in_a_stream_arrives_with_its_details(job_servicer, jobs):
    async def fail_midway(request, context):
        yield job_event_pb2.JobEvent(sequence=1)
        raise errors.OutOfRange("The token is too old.", reason="RESUME_TOKEN_EXPIRED")

    job_servicer.on_watch = fail_midway

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await read_all(jobs.WatchJob(WATCH))

    assert caught.value.code() == grpc.StatusCode.OUT_OF_RANGE
    assert unpacked(rich_status(caught.value), details.ErrorInfo).reason == "RESUME_TOKEN_EXPIRED"


async def test_an_error_before_a_stream_begins_arrives_with_its_details(job_servicer, jobs):
    def refuse(request, context):
        raise errors.NotFound("There is no job 'j'.", reason="JOB_NOT_FOUND")

    job_servicer.on_watch = refuse

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await read_all(jobs.WatchJob(WATCH))

    assert unpacked(rich_status(caught.value), details.ErrorInfo).reason == "JOB_NOT_FOUND"


async def test_bytes_that_are_no_request_are_refused(user_channel):
    method = user_channel.unary_unary("/omniscope.registry.v1.JobService/GetJob")

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await method(b"\xff\xff\xff")

    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert error_from_rpc(caught.value).reason == "REQUEST_MALFORMED"


@pytest.mark.parametrize("offered", ["", "x" * 65, "two words", 'quo"te'])
async def test_a_request_id_that_is_unfit_for_a_log_is_replaced(offered, job_servicer, jobs):
    seen = []

    async def fail(request, context):
        seen.append(current_request_id())
        raise errors.Unavailable("Not now.", reason="PROBE_FAILED")

    job_servicer.on_get = fail

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await jobs.GetJob(GET, metadata=(("x-request-id", offered),))

    sent = unpacked(rich_status(caught.value), details.RequestInfo).request_id
    assert sent == seen[0] != offered
    assert len(sent) == 32


async def test_one_line_is_logged_per_call_and_holds_no_token(job_servicer, jobs, tokens):
    async def fail(request, context):
        raise errors.NotFound("There is no job 'j'.", reason="JOB_NOT_FOUND", field="job_id")

    job_servicer.on_get = fail

    with capture_logs() as logs:
        with pytest.raises(grpc.aio.AioRpcError):
            await jobs.GetJob(GET)
        await written(logs, 1)

    assert len(logs) == 1
    assert logs[0]["method"] == "/omniscope.registry.v1.JobService/GetJob"
    assert logs[0]["code"] == "NOT_FOUND"
    assert tokens.user not in json.dumps(logs)


async def test_successful_reads_are_logged_at_debug_and_changes_at_info(jobs):
    with capture_logs() as logs:
        await jobs.GetJob(GET)
        await written(logs, 1)
        await jobs.CancelJob(job_service_pb2.CancelJobRequest(job_id="j"))
        await written(logs, 2)

    assert [line["log_level"] for line in logs] == ["debug", "info"]


async def test_a_client_that_goes_away_ends_its_stream_without_an_error(job_servicer, jobs):
    ended = asyncio.Event()

    async def endless(request, context):
        try:
            yield job_event_pb2.JobEvent(sequence=1)
            await asyncio.Event().wait()
        finally:
            ended.set()

    job_servicer.on_watch = endless
    call = jobs.WatchJob(WATCH)
    await call.read()

    with capture_logs() as logs:
        call.cancel()
        await ended.wait()

    assert not [line for line in logs if line["log_level"] == "error"]
