import itertools
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest

from omniscope.common.v1.job_event_pb2 import (
    JOB_EVENT_TYPE_STATE_CHANGED,
    JobEvent,
    Progress,
    StateChanged,
)
from omniscope.common.v1.job_pb2 import (
    JOB_STATE_FAILED,
    JOB_STATE_RUNNING,
    JOB_STATE_SUCCEEDED,
    Job,
    JobState,
)
from omniscope_client.client import Client
from omniscope_client.errors import OmniscopeError
from tests.unit.omniscope_client.conftest import Canned, Refusal

LOST = Refusal(grpc.StatusCode.UNAVAILABLE, "connection lost")
DRAINING = Refusal(grpc.StatusCode.UNAVAILABLE, "The server stops.", "SERVER_DRAINING")


def snapshot(sequence: int, state: JobState.ValueType = JOB_STATE_RUNNING) -> JobEvent:
    job = Job(job_id="J1", state=state, last_sequence=sequence)
    return JobEvent(sequence=sequence, resume_token=f"t{sequence}", snapshot=job)


def progress(sequence: int) -> JobEvent:
    done = Progress(percent=sequence)
    return JobEvent(sequence=sequence, resume_token=f"t{sequence}", progress=done)


def end(sequence: int, state: JobState.ValueType = JOB_STATE_SUCCEEDED) -> JobEvent:
    change = StateChanged(to_state=state)
    return JobEvent(sequence=sequence, resume_token=f"t{sequence}", state_changed=change)


def connections(*scripts: list[Any]) -> Callable[[object], list[Any]]:
    """Answer the first connection by the first script, and so on."""
    remaining = iter(scripts)
    return lambda request: next(remaining)


def test_a_watch_ends_with_the_terminal_event(client: Client, canned: Canned) -> None:
    canned.answers["WatchJob"] = [snapshot(0), progress(1), end(2, JOB_STATE_FAILED)]

    events = list(client.jobs.watch("J1", event_types=[JOB_EVENT_TYPE_STATE_CHANGED]))

    (request,) = canned.requests["WatchJob"]
    assert [event.sequence for event in events] == [0, 1, 2]
    assert (request.job_id, request.resume_token) == ("J1", "")
    assert list(request.event_types) == [JOB_EVENT_TYPE_STATE_CHANGED]


@pytest.mark.parametrize("broken_by", [[LOST], [DRAINING], []], ids=["lost", "draining", "clean"])
def test_a_broken_watch_goes_on_after_the_last_event_seen(
    client: Client, canned: Canned, broken_by: list[Refusal]
) -> None:
    canned.answers["WatchJob"] = connections(
        [snapshot(0), progress(1), progress(2), *broken_by], [snapshot(3), progress(3), end(4)]
    )

    events = list(client.jobs.watch("J1"))

    journal = [event.sequence for event in events if not event.HasField("snapshot")]
    assert journal == [1, 2, 3, 4]
    assert [request.resume_token for request in canned.requests["WatchJob"]] == ["", "t2"]


def test_a_watch_survives_an_outage_of_several_attempts(client: Client, canned: Canned) -> None:
    canned.answers["WatchJob"] = connections(
        [snapshot(0), progress(1), LOST], [LOST], [LOST], [snapshot(2), end(2)]
    )

    lost: list[str] = []
    events = client.jobs.watch("J1", on_lost=lambda: lost.append("lost"))

    assert [event.sequence for event in events] == [0, 1, 2, 2]
    assert len(lost) == 3
    assert [r.resume_token for r in canned.requests["WatchJob"]] == ["", "t1", "t1", "t1"]


def test_a_watch_that_outlives_its_call_is_no_outage(client: Client, canned: Canned) -> None:
    over = Refusal(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")
    canned.answers["WatchJob"] = connections([snapshot(0), progress(1), over], [end(2)])
    lost: list[str] = []

    events = client.jobs.watch("J1", on_lost=lambda: lost.append("lost"))

    assert [event.sequence for event in events] == [0, 1, 2]
    assert not lost


def test_a_broken_watch_of_an_ended_job_still_brings_all_its_events(
    client: Client, canned: Canned
) -> None:
    done = snapshot(2, JOB_STATE_SUCCEEDED)
    canned.answers["WatchJob"] = connections([done, progress(1), LOST], [done, end(2)])

    events = list(client.jobs.watch("J1"))

    assert [event.WhichOneof("event") for event in events] == [
        "snapshot",
        "progress",
        "snapshot",
        "state_changed",
    ]


def test_a_watch_after_the_terminal_event_ends_with_its_snapshot(
    client: Client, canned: Canned
) -> None:
    canned.answers["WatchJob"] = [snapshot(2, JOB_STATE_SUCCEEDED)]

    events = list(client.jobs.watch("J1", resume_token="t2"))

    assert len(events) == 1
    assert len(canned.requests["WatchJob"]) == 1


def test_a_suite_that_cannot_be_reached_is_told_at_once(client: Client, canned: Canned) -> None:
    canned.answers["WatchJob"] = LOST

    with pytest.raises(OmniscopeError, match="connection lost"):
        list(client.jobs.watch("J1"))

    assert len(canned.requests["WatchJob"]) == 1


def test_a_refusal_ends_a_watch_also_after_events(client: Client, canned: Canned) -> None:
    gone = Refusal(grpc.StatusCode.NOT_FOUND, "No job J1.", "JOB_NOT_FOUND")
    canned.answers["WatchJob"] = connections([snapshot(0), progress(1), LOST], [gone])

    with pytest.raises(OmniscopeError) as raised:
        list(client.jobs.watch("J1"))

    assert raised.value.reason == "JOB_NOT_FOUND"


def test_leaving_a_watch_ends_its_call(client: Client, canned: Canned) -> None:
    def endless(request: object) -> Iterator[JobEvent]:
        yield snapshot(0)
        yield from (progress(sequence) for sequence in itertools.count(1))

    canned.answers["WatchJob"] = endless

    for _ in client.jobs.watch("J1"):
        break

    assert canned.stream_ended.wait(10)


def test_a_retry_carries_an_id_so_that_repeating_the_call_starts_one_job(
    client: Client, canned: Canned
) -> None:
    job = client.jobs.retry("J1")

    (request,) = canned.requests["RetryJob"]
    assert (job.job_id, job.retry_of, request.job_id) == ("J2", "J1", "J1")
    assert uuid.UUID(request.request_id).version == 4
