import asyncio
import base64

import pytest
from ulid import ULID

from omniscope.common.v1 import job_event_pb2 as events
from omniscope.common.v1 import job_pb2
from omniscope.common.v1.job_event_pb2 import JobEvent, WatchRequest
from omniscope_service.errors import InvalidArgument, NotFound
from omniscope_service.watch import JobWatcher, parse_resume_token, resume_token
from tests.unit.omniscope_service.watch.stored_job import collect, ended, kinds, sequences, take


async def test_a_watch_is_a_snapshot_then_the_journal_then_live_events_until_the_end(
    stored, watcher
):
    stored.store(metric=events.MetricPoint(step=0))
    stored.store(metric=events.MetricPoint(step=1))
    stream = watcher.watch(stored.request())
    seen = await take(stream, 3)
    await stored.metric(2)
    await stored.end()

    seen += [event async for event in stream]

    assert kinds(seen) == ["snapshot", "metric", "metric", "metric", "state_changed"]
    assert sequences(seen) == [2, 1, 2, 3, 4]
    assert seen[0].snapshot.state == job_pb2.JOB_STATE_RUNNING
    assert [parse_resume_token(e.resume_token, stored.job.job_id) for e in seen] == [0, 1, 2, 3, 4]


async def test_live_events_come_without_reading_the_journal(stored, watcher):
    stream = watcher.watch(stored.request())
    await anext(stream)
    waiting = asyncio.create_task(take(stream, 100))
    await asyncio.sleep(0.05)
    reads = stored.reads
    for step in range(100):
        await stored.metric(step)

    seen = await waiting

    assert sequences(seen) == list(range(1, 101))
    assert stored.reads == reads
    await stream.aclose()


async def test_a_watch_of_an_ended_job_replays_its_journal_and_ends(stored, watcher):
    await stored.metric(0)
    await stored.end()

    seen = await collect(watcher, stored.request())

    assert kinds(seen) == ["snapshot", "metric", "state_changed"]


async def test_a_journal_of_many_pages_is_replayed_whole(stored, watcher):
    for step in range(1200):
        stored.store(metric=events.MetricPoint(step=step))
    await stored.end()

    seen = await collect(watcher, stored.request())

    assert sequences(seen)[1:] == list(range(1, 1202))


async def test_a_token_goes_on_after_its_event(stored, watcher):
    for step in range(5):
        await stored.metric(step)
    await stored.end()
    first = await collect(watcher, stored.request())

    rest = await collect(watcher, stored.request(resume_token=first[3].resume_token))

    assert kinds(rest)[0] == "snapshot"
    assert sequences(rest)[1:] == [4, 5, 6]


async def test_the_token_of_a_snapshot_leads_to_the_whole_journal(stored, watcher):
    await stored.metric(0)
    await stored.end()
    snapshot = (await collect(watcher, stored.request()))[0]

    again = await collect(watcher, stored.request(resume_token=snapshot.resume_token))

    assert sequences(again)[1:] == [1, 2]


async def test_a_token_of_the_last_event_gives_a_snapshot_and_the_end(stored, watcher):
    await stored.end()
    last = (await collect(watcher, stored.request()))[-1]

    again = await collect(watcher, stored.request(resume_token=last.resume_token))

    assert kinds(again) == ["snapshot"]


async def test_a_hole_in_the_live_events_is_filled_from_the_journal(stored, watcher):
    stream = watcher.watch(stored.request())
    await anext(stream)
    await stored.metric(0)
    seen = await take(stream, 1)
    stored.store(metric=events.MetricPoint(step=1))  # never announced
    stored.store(metric=events.MetricPoint(step=2))
    await stored.metric(3)
    await stored.end()

    seen += [event async for event in stream]

    assert sequences(seen) == [1, 2, 3, 4, 5]


async def test_repeated_and_late_announcements_are_dropped(stored, watcher):
    stream = watcher.watch(stored.request())
    await anext(stream)
    await stored.metric(0)
    await stored.metric(1)
    await stored.announce(stored.events[1])
    await stored.announce(stored.events[0])
    await stored.end()

    seen = [event async for event in stream]

    assert sequences(seen) == [1, 2, 3]


async def test_an_announcement_that_the_journal_does_not_know_is_not_believed(stored, watcher):
    stream = watcher.watch(stored.request())
    await anext(stream)
    forged = JobEvent(sequence=7, job_id=stored.job.job_id, state_changed=ended())
    await stored.announce(forged)
    await stored.end()

    assert sequences([event async for event in stream]) == [1]


async def test_a_lost_last_announcement_is_found_by_polling(stored, bus):
    watcher = JobWatcher(stored, bus, heartbeat_seconds=0.3)
    stream = watcher.watch(stored.request())
    await anext(stream)
    waiting = asyncio.create_task(take(stream, 1))
    await asyncio.sleep(0.02)
    stored.store(state_changed=ended())

    assert kinds(await waiting) == ["state_changed"]
    await stream.aclose()


async def test_silence_is_broken_by_heartbeats_that_carry_the_last_sequence(stored, bus):
    watcher = JobWatcher(stored, bus, heartbeat_seconds=0.06)
    await stored.metric(0)
    stream = watcher.watch(stored.request())

    seen = await take(stream, 4)

    assert kinds(seen) == ["snapshot", "metric", "heartbeat", "heartbeat"]
    assert sequences(seen) == [1, 1, 1, 1]
    assert seen[3].resume_token == seen[1].resume_token
    await stream.aclose()


async def test_a_filter_keeps_snapshot_heartbeats_and_the_end(stored, bus):
    watcher = JobWatcher(stored, bus, heartbeat_seconds=0.06)
    request = stored.request(event_types=[events.JOB_EVENT_TYPE_METRIC])
    stored.store(log_line=events.LogLine(text="not asked for"))
    stored.store(metric=events.MetricPoint(step=0))
    stored.store(state_changed=events.StateChanged(to_state=job_pb2.JOB_STATE_RUNNING))
    stream = watcher.watch(request)
    seen = await take(stream, 3)
    await stored.end()

    seen += [event async for event in stream]

    shown = [event for event in seen if event.WhichOneof("event") != "heartbeat"]
    assert kinds(shown) == ["snapshot", "metric", "state_changed"]
    assert kinds(seen)[2] == "heartbeat"
    assert seen[2].sequence == 2
    assert seen[2].resume_token == resume_token(stored.job.job_id, 3)


@pytest.mark.parametrize("types", [[0], [99]])
async def test_a_filter_with_an_unknown_kind_is_refused(stored, watcher, types):
    with pytest.raises(InvalidArgument) as caught:
        await collect(watcher, stored.request(event_types=types))

    assert (caught.value.reason, caught.value.field) == ("EVENT_TYPE_INVALID", "event_types")


async def test_tokens_that_no_event_of_this_job_carried_are_refused(stored, watcher):
    await stored.end()
    job = stored.job.job_id
    others = ["x", "%%%", "ü", resume_token(str(ULID()), 1), resume_token(job, 2)]
    others += [resume_token(job, -1), job]
    others += [base64.urlsafe_b64encode(f"{job}:{'9' * 5000}".encode()).decode()]

    for token in others:
        with pytest.raises(InvalidArgument) as caught:
            await collect(watcher, stored.request(resume_token=token))
        assert caught.value.reason == "RESUME_TOKEN_INVALID", token


async def test_an_unknown_job_is_not_found(watcher):
    with pytest.raises(NotFound):
        await collect(watcher, WatchRequest(job_id=str(ULID())))


async def test_many_watchers_share_one_subscription_which_ends_with_the_last(stored, watcher):
    streams = [watcher.watch(stored.request()) for _ in range(50)]
    for stream in streams:
        await anext(stream)
    listening = watcher._feed._listening
    tasks = [asyncio.create_task(take(stream, 20)) for stream in streams]
    for step in range(20):
        await stored.metric(step)

    for task in tasks:
        assert sequences(await task) == list(range(1, 21))

    for stream in streams:
        await stream.aclose()
    assert watcher._feed._listening is None
    await asyncio.wait({listening})
    assert not watcher._feed._followers


async def test_without_a_broker_a_watch_polls_the_journal(stored, tmp_path):
    from omniscope_service.events.nats import NatsBus

    bus = await NatsBus.connect("nats://127.0.0.1:1", "test", patience_seconds=0)
    watcher = JobWatcher(stored, bus, poll_seconds=0.02)
    stream = watcher.watch(stored.request())
    await anext(stream)
    stored.store(metric=events.MetricPoint(step=0))
    stored.store(state_changed=ended())

    assert sequences([event async for event in stream]) == [1, 2]
    await bus.close()
