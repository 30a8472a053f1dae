import threading

import grpc
import pytest

from omniscope.common.v1.job_pb2 import Job
from omniscope.registry.v1.job_service_pb2 import GetJobRequest
from omniscope.registry.v1.job_service_pb2_grpc import JobServiceStub
from omniscope_client.calls import Calls
from omniscope_client.client import Client
from omniscope_client.connection import find_endpoint
from omniscope_client.errors import OmniscopeError
from tests.unit.omniscope_client.conftest import TOKEN, Canned, Refusal


def test_every_call_carries_the_token_and_an_id_of_its_own(client: Client, canned: Canned) -> None:
    client.jobs.get("J1")
    client.jobs.get("J1")

    assert {call["authorization"] for call in canned.metadata} == {f"Bearer {TOKEN}"}
    assert len({call["x-request-id"] for call in canned.metadata}) == 2


def test_a_refusal_keeps_code_reason_field_and_message(client: Client, canned: Canned) -> None:
    canned.answers["Train"] = Refusal(
        grpc.StatusCode.INVALID_ARGUMENT, "No column 'x'.", "COLUMN_NOT_FOUND", "target_column"
    )

    with pytest.raises(OmniscopeError) as raised:
        client.automl.train("tissues", "x")

    error = raised.value
    assert (error.code, error.reason, error.field, error.message) == (
        "INVALID_ARGUMENT",
        "COLUMN_NOT_FOUND",
        "target_column",
        "No column 'x'.",
    )
    assert str(error) == "No column 'x'. [COLUMN_NOT_FOUND, field target_column]"


def test_an_error_of_something_else_than_the_suite_has_no_reason(
    client: Client, canned: Canned
) -> None:
    canned.answers["GetJob"] = Refusal(grpc.StatusCode.UNAVAILABLE, "no healthy upstream")

    with pytest.raises(OmniscopeError) as raised:
        client.jobs.get("J1")

    assert (raised.value.reason, raised.value.transient) == ("", True)


def test_a_call_ends_at_its_deadline(address: str, canned: Canned) -> None:
    release = threading.Event()

    def answer(request: object) -> Job:
        release.wait(30)
        return Job()

    canned.answers["GetJob"] = answer
    calls = Calls(find_endpoint(address, TOKEN))
    try:
        with pytest.raises(OmniscopeError) as raised:
            calls.unary(JobServiceStub(calls.channel).GetJob, GetJobRequest(), seconds=0.1)
    finally:
        release.set()
        calls.channel.close()

    assert raised.value.code == "DEADLINE_EXCEEDED"


def test_an_address_where_nothing_listens_is_named_in_plain_words() -> None:
    with Client("127.0.0.1:1", TOKEN) as client, pytest.raises(OmniscopeError) as raised:
        client.jobs.get("J1")

    assert raised.value.message == "Nothing answers at 127.0.0.1:1."
    assert raised.value.code == "UNAVAILABLE"
