"""ReportEvents: numbered without gaps, stored once, metrics in full and for MLflow."""

import pytest
from sqlalchemy import select

from omniscope.common.v1.job_event_pb2 import (
    JobEvent,
    JobEventType,
    LeaderboardEntry,
    LogLine,
    StateChanged,
)
from omniscope.registry.v1.job_service_pb2 import (
    GetJobRequest,
    GetJobStatusRequest,
    ListJobEventsRequest,
)
from omniscope.registry.v1.projection_service_pb2 import Projection
from omniscope_registry import outbox
from omniscope_registry.jobs.sql import journal
from omniscope_registry.tables.jobs import job_metrics
from omniscope_service.errors import Aborted, InvalidArgument, NotFound


async def _journal(registry, job_id, **fields):
    request = ListJobEventsRequest(job_id=job_id, **fields)
    return list((await registry.jobs.ListJobEvents(request)).events)


async def test_reported_events_are_numbered_without_gaps_in_their_order(registry, events):
    grant = await registry.running()

    await registry.report(grant.lease, 1, events.progress(10), events.metric(0.5))
    await registry.report(grant.lease, 3, events.progress(20))

    journal = await _journal(registry, grant.lease.job_id)
    assert [event.sequence for event in journal] == [1, 2, 3, 4, 5]
    kinds = [event.WhichOneof("event") for event in journal]
    assert kinds == ["state_changed", "state_changed", "progress", "metric", "progress"]
    assert {event.job_id for event in journal} == {grant.lease.job_id}
    assert [event.attempt for event in journal] == [0, 1, 1, 1, 1]
    assert all(event.resume_token for event in journal)
    assert all(event.event_time.seconds for event in journal)


async def test_events_reported_twice_are_stored_once(registry, events):
    grant = await registry.running()
    batch = (events.progress(10), events.metric(0.5))

    assert await registry.report(grant.lease, 1, *batch) == 2
    assert await registry.report(grant.lease, 1, *batch) == 2
    # The answer was lost, and meanwhile there is more to tell.
    assert await registry.report(grant.lease, 2, batch[1], events.progress(30)) == 3

    assert len(await _journal(registry, grant.lease.job_id)) == 5


async def test_the_job_follows_the_reported_progress_and_never_falls_back(registry, events):
    grant = await registry.running()

    await registry.report(grant.lease, 1, events.progress(40, "fitting"), events.progress(30, ""))

    status = await registry.jobs.GetJobStatus(GetJobStatusRequest(job_id=grant.lease.job_id))
    assert (status.status, status.progress, status.message) == ("running", 40, "fitting")
    journal = await _journal(registry, grant.lease.job_id, after_sequence=2)
    assert [event.progress.percent for event in journal] == [40, 40]


async def test_metrics_are_kept_in_full_and_projected(registry, database, events):
    grant = await registry.running()

    await registry.report(grant.lease, 1, *(events.metric(step / 10, step) for step in range(5)))

    async with database.read() as conn:
        query = select(job_metrics).order_by(job_metrics.c.worker_sequence)
        rows = (await conn.execute(query)).all()
        pending = await outbox.pending(conn, "mlflow", 10)
    assert [row.value for row in rows] == [0.0, 0.1, 0.2, 0.3, 0.4]
    assert {(row.name, row.split, row.attempt) for row in rows} == {("accuracy", "validation", 1)}
    started, batch = (Projection.FromString(row.payload) for row in pending)
    assert started.run_started.attempt == 1
    assert [point.step for point in batch.metrics.points] == [0, 1, 2, 3, 4]
    assert {point.key for point in batch.metrics.points} == {"validation_accuracy"}


async def test_events_are_announced_on_the_bus(registry, bus, events):
    grant = await registry.running()
    async with bus.subscribe(f"evt.job.{grant.lease.job_id}.metric") as messages:
        await registry.report(grant.lease, 1, events.metric(0.5))
        event = JobEvent.FromString((await anext(messages)).data)

    assert (event.sequence, event.metric.value) == (3, 0.5)


async def test_a_gap_in_the_reports_is_refused(registry, events, refused):
    grant = await registry.running()

    error = await refused(registry.report(grant.lease, 2, events.progress(10)))

    assert isinstance(error, InvalidArgument)
    assert error.reason == "EVENT_SEQUENCE_GAP"


async def test_a_stale_attempt_reports_nothing(registry, events, refused):
    grant = await registry.running()
    await registry.fail(grant.lease, "USER_ERROR")

    error = await refused(registry.report(grant.lease, 1, events.progress(10)))

    assert isinstance(error, Aborted)
    assert error.reason == "STALE_ATTEMPT"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_events_that_cannot_be_are_refused_by_their_path(registry, events, refused):
    grant = await registry.running()
    wrong = {
        "events[0].event": JobEvent(state_changed=StateChanged()),
        "events[0].event.metric.value": events.metric(float("nan")),
        "events[0].event.progress.percent": events.progress(101),
    }

    for field, event in wrong.items():
        error = await refused(registry.report(grant.lease, 1, event))
        assert isinstance(error, InvalidArgument)
        assert error.field.startswith(field)


async def test_the_journal_is_read_by_kind_and_page_by_page(registry, events):
    grant = await registry.running()
    entry = JobEvent(leaderboard_entry=LeaderboardEntry(model="LightGBM"))
    line = JobEvent(log_line=LogLine(text="hello"))
    await registry.report(grant.lease, 1, events.progress(1), entry, line, entry)
    job_id = grant.lease.job_id

    entries = await _journal(
        registry, job_id, event_types=[JobEventType.JOB_EVENT_TYPE_LEADERBOARD_ENTRY]
    )
    page = await _journal(registry, job_id, page_size=2, after_sequence=1)

    assert [event.sequence for event in entries] == [4, 6]
    assert [event.sequence for event in page] == [2, 3]


async def test_pages_of_a_journal_follow_each_other_to_its_end(registry, events):
    grant = await registry.running()
    line = JobEvent(log_line=LogLine(text="hello"))
    await registry.report(grant.lease, 1, line, events.progress(1), line, events.progress(2), line)
    request = ListJobEventsRequest(
        job_id=grant.lease.job_id,
        after_sequence=3,
        event_types=[JobEventType.JOB_EVENT_TYPE_LOG_LINE],
        page_size=1,
    )

    first = await registry.jobs.ListJobEvents(request)
    request.page_token = first.next_page_token
    last = await registry.jobs.ListJobEvents(request)

    assert [event.sequence for event in first.events] == [5]
    assert [event.sequence for event in last.events] == [7]
    assert last.next_page_token == ""


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_token_leads_through_no_other_list_of_events(registry, refused):
    job, other = (await registry.running()).lease.job_id, (await registry.running()).lease.job_id
    first = await registry.jobs.ListJobEvents(ListJobEventsRequest(job_id=job, page_size=1))
    lines = [JobEventType.JOB_EVENT_TYPE_LOG_LINE]

    for asked in (
        ListJobEventsRequest(job_id=other, page_token=first.next_page_token),
        ListJobEventsRequest(job_id=job, after_sequence=1, page_token=first.next_page_token),
        ListJobEventsRequest(job_id=job, event_types=lines, page_token=first.next_page_token),
    ):
        error = await refused(registry.jobs.ListJobEvents(asked))
        assert (error.reason, error.field) == ("PAGE_TOKEN_MISMATCH", "page_token")


async def test_the_journal_of_somebody_else_does_not_exist(registry, refused):
    job = await registry.submit()

    error = await refused(
        registry.jobs_of_bob.ListJobEvents(ListJobEventsRequest(job_id=job.job_id))
    )

    assert isinstance(error, NotFound)
    assert error.reason == "JOB_NOT_FOUND"


async def test_an_unspecified_event_type_is_refused(registry, refused):
    job = await registry.submit()
    request = ListJobEventsRequest(
        job_id=job.job_id, event_types=[JobEventType.JOB_EVENT_TYPE_UNSPECIFIED]
    )

    error = await refused(registry.jobs.ListJobEvents(request))

    assert isinstance(error, InvalidArgument)
    assert error.reason == "EVENT_TYPE_INVALID"


async def test_a_journal_keeps_the_newest_metrics_and_everything_else(
    registry, events, monkeypatch
):
    monkeypatch.setattr(journal, "KEPT_COALESCIBLE", 100)
    monkeypatch.setattr(journal, "_PRUNE_EVERY", 50)
    grant = await registry.running()
    line = JobEvent(log_line=LogLine(text="kept"))
    await registry.report(grant.lease, 1, line, *(events.metric(0.5) for _ in range(299)))

    job = await registry.jobs.GetJob(GetJobRequest(job_id=grant.lease.job_id))
    request = ListJobEventsRequest(job_id=grant.lease.job_id, page_size=500)
    kept = (await registry.jobs.ListJobEvents(request)).events

    assert [event.sequence for event in kept] == [1, 2, 3, *range(203, 303)]
    assert (job.pruned_sequence, job.last_sequence) == (202, 302)
