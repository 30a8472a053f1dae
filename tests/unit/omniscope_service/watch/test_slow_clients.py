"""Clients that read slowly, come late or are many; journals that were pruned."""

import asyncio
from typing import cast

import pytest
from ulid import ULID

from omniscope.common.v1 import job_event_pb2 as events
from omniscope_service.errors import OutOfRange
from omniscope_service.events import subjects
from omniscope_service.events.bus import EventBus
from omniscope_service.watch import JobWatcher, resume_token
from tests.unit.omniscope_service.watch.stored_job import kinds, sequences


async def test_a_slow_client_gets_merged_metrics_and_every_other_event(stored, watcher):
    stream = watcher.watch(stored.request())
    await anext(stream)
    for step in range(1500):
        await stored.metric(step)
    await stored.happen(leaderboard_entry=events.LeaderboardEntry(model="A"))
    for step in range(1500, 1600):
        await stored.metric(step)
    await stored.end()

    seen = [event async for event in stream]

    covered = [n for e in seen for n in range(e.coalesced_from or e.sequence, e.sequence + 1)]
    assert covered == list(range(1, 1603))
    assert len(seen) < 200
    assert [kind for kind in kinds(seen) if kind != "metric"] == [
        "leaderboard_entry", "state_changed"
    ]  # fmt: skip
    assert [event.metric.step for event in seen if event.HasField("metric")][-1] == 1599


async def test_a_client_that_comes_late_but_is_fast_gets_every_event(stored, watcher):
    for step in range(1200):
        stored.store(metric=events.MetricPoint(name="loss", step=step))
    await stored.end()

    seen = [event async for event in watcher.watch(stored.request())][1:]

    assert sequences(seen) == list(range(1, 1202))
    assert not any(event.coalesced_from for event in seen)


async def test_a_token_older_than_the_journal_is_refused(stored, watcher):
    for step in range(10):
        stored.store(metric=events.MetricPoint(name="loss", step=step))
    stored.job.pruned_sequence = 5
    token = resume_token(stored.job.job_id, 4)

    with pytest.raises(OutOfRange) as caught:
        await anext(watcher.watch(stored.request(resume_token=token)))

    assert caught.value.reason == "RESUME_TOKEN_EXPIRED"
    token = resume_token(stored.job.job_id, 5)
    assert await anext(watcher.watch(stored.request(resume_token=token)))
    assert await anext(watcher.watch(stored.request()))


async def test_a_message_that_is_no_event_ends_no_watch(stored, watcher, bus):
    stream = watcher.watch(stored.request())
    await anext(stream)
    subject = subjects.job_event(stored.job.job_id, "metric")
    await bus.publish(subject, b"\xff\xff", message_id=str(ULID()))
    await stored.metric(0)
    await stored.end()

    assert sequences([event async for event in stream]) == [1, 2]


class CountingBus:
    """A real bus that counts its subscriptions."""

    def __init__(self, bus):
        self._bus = bus
        self.subscriptions = 0

    def __getattr__(self, name):
        return getattr(self._bus, name)

    def subscribe(self, subject):
        self.subscriptions += 1
        return self._bus.subscribe(subject)


async def test_a_thousand_watchers_share_one_subscription_and_miss_nothing(stored, bus):
    counting = CountingBus(bus)
    watcher = JobWatcher(stored, cast("EventBus", counting))
    streams = [watcher.watch(stored.request()) for _ in range(1000)]
    for stream in streams:
        await anext(stream)

    async def rest(stream):
        return sequences([event async for event in stream])

    watching = [asyncio.create_task(rest(stream)) for stream in streams]
    for step in range(50):
        await stored.metric(step)
    await stored.end()

    assert {tuple(seen) for seen in await asyncio.gather(*watching)} == {tuple(range(1, 52))}
    assert counting.subscriptions == 1
