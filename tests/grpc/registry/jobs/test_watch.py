"""WatchJob over the registry's own journal."""

import asyncio

from omniscope.common.v1.job_event_pb2 import JobEventType, WatchRequest
from omniscope_service.errors import InvalidArgument, NotFound


async def test_a_watch_shows_the_job_its_past_and_its_future_and_ends(registry, events):
    grant = await registry.running()
    watch = aiter(registry.jobs.WatchJob(WatchRequest(job_id=grant.lease.job_id)))

    seen = [await anext(watch) for _ in range(3)]
    await registry.report(grant.lease, 1, events.progress(50))
    await registry.complete(grant)
    seen += [event async for event in watch]

    assert seen[0].snapshot.job_id == grant.lease.job_id
    assert not seen[0].snapshot.HasField("config")
    assert [event.sequence for event in seen[1:]] == [1, 2, 3, 4]
    assert seen[-1].state_changed.model_id


async def test_a_watch_goes_on_after_its_token(registry, events):
    grant = await registry.running()
    await registry.report(grant.lease, 1, events.progress(10), events.progress(20))
    await registry.complete(grant)
    watch = registry.jobs.WatchJob(WatchRequest(job_id=grant.lease.job_id))
    first = [event async for event in watch]

    request = WatchRequest(job_id=grant.lease.job_id, resume_token=first[3].resume_token)
    again = [event async for event in registry.jobs.WatchJob(request)]

    assert [event.sequence for event in again[1:]] == [4, 5]


async def test_a_watch_may_ask_for_some_kinds_and_still_ends(registry, events):
    grant = await registry.running()
    await registry.report(grant.lease, 1, events.progress(10), events.metric(0.5))
    await registry.complete(grant)
    request = WatchRequest(
        job_id=grant.lease.job_id, event_types=[JobEventType.JOB_EVENT_TYPE_METRIC]
    )

    kinds = [event.WhichOneof("event") async for event in registry.jobs.WatchJob(request)]

    assert kinds == ["snapshot", "metric", "state_changed"]


async def test_many_watch_one_job_and_none_misses_an_event(registry, events):
    grant = await registry.running()

    async def watch():
        request = WatchRequest(job_id=grant.lease.job_id)
        return [event.sequence async for event in registry.jobs.WatchJob(request)]

    watchers = [asyncio.create_task(watch()) for _ in range(10)]
    for number in range(1, 21):
        await registry.report(grant.lease, number, events.progress(number))
    await registry.complete(grant)

    for sequences in await asyncio.gather(*watchers):
        assert sequences[1:] == list(range(1, 24))


async def test_somebody_elses_job_cannot_be_watched(registry, refused):
    job = await registry.submit()
    watch = registry.jobs_of_bob.WatchJob(WatchRequest(job_id=job.job_id))

    error = await refused(watch.read())

    assert isinstance(error, NotFound)


async def test_a_token_of_another_job_is_refused(registry, refused):
    one, other = await registry.submit(), await registry.submit()
    token = (await registry.jobs.WatchJob(WatchRequest(job_id=one.job_id)).read()).resume_token
    watch = registry.jobs.WatchJob(WatchRequest(job_id=other.job_id, resume_token=token))

    error = await refused(watch.read())

    assert isinstance(error, InvalidArgument)
    assert error.reason == "RESUME_TOKEN_INVALID"
