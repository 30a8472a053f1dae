"""Sweeper, reaper and relay: what heals the job system after anything was lost."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from sqlalchemy import update

from omniscope.common.v1.job_pb2 import JobState
from omniscope.registry.v1.job_service_pb2 import GetJobRequest
from omniscope_registry import outbox
from omniscope_registry.jobs.domain import JobTimes
from omniscope_registry.jobs.loops.reaper import Reaper
from omniscope_registry.jobs.loops.sweeper import Sweeper
from omniscope_registry.jobs.sql import hints
from omniscope_registry.jobs.worker_values import WorkerKind
from omniscope_registry.relay import Relay
from omniscope_registry.settings import RegistrySettings
from omniscope_registry.tables.jobs import training_jobs
from omniscope_service.errors import Unavailable
from omniscope_service.events import subjects
from omniscope_service.events.nats import NatsBus

# Every lease has lapsed and every hint is old as soon as it is there.
AT_ONCE = JobTimes(lease=timedelta(0), hint=timedelta(0), cancel_grace=timedelta(0))


@pytest.fixture
def settings(home) -> RegistrySettings:
    """The registry itself leaves the healing to the test, however long that takes."""
    return RegistrySettings(home=home, sweep_seconds=3600)


class Clock:
    """Monotonic seconds that a test moves on."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


async def _lapse(database):
    async with database.write() as conn:
        lapsed = training_jobs.c.created_at
        await conn.execute(
            update(training_jobs)
            .where(training_jobs.c.status == "running")
            .values(lease_until=lapsed)
        )


async def delivered(database):
    """Wait until the registry's relay has taken every hint to the broker."""
    while True:
        seen = database.commits
        async with database.read() as conn:
            if not await outbox.pending(conn, "nats", 1):
                return
        await database.wait_for_commit(after=seen, timeout_seconds=5)


async def _state(registry, lease):
    job = await registry.jobs.GetJob(GetJobRequest(job_id=lease.job_id))
    return JobState.Name(job.state).removeprefix("JOB_STATE_")


async def _queue_since(database, minutes):
    async with database.write() as conn:
        then = database.now(-timedelta(minutes=minutes))
        await conn.execute(update(training_jobs).values(run_after=then, updated_at=then))


async def test_a_class_whose_jobs_wait_for_long_is_hinted_once_per_interval(registry, database):
    sweeper = Sweeper(database, JobTimes())
    await sweeper.sweep()
    for _ in range(3):
        await registry.submit()
    await delivered(database)
    assert await sweeper.sweep() == 0

    await _queue_since(database, minutes=5)

    assert await sweeper.sweep() == 1
    await delivered(database)
    assert await sweeper.sweep() == 0


async def test_every_class_with_jobs_is_hinted_when_a_registry_starts(registry, database):
    for resource_class in ("cpu", "gpu", "gpu"):
        await registry.submit(resource_class=resource_class)
    await delivered(database)

    assert await Sweeper(database, JobTimes()).sweep() == 2


async def test_hints_do_not_grow_with_the_time_that_jobs_wait(registry, database, bus):
    for number in range(50):
        await registry.submit(service=("grown", "growing")[number % 2])
    await delivered(database)
    sweeper = Sweeper(database, AT_ONCE)

    for _ in range(10):
        assert await sweeper.sweep() == 2
        await delivered(database)

    stream = await bus._jetstream.stream_info(subjects.JOBS_STREAM, subjects_filter="jobs.run.>")
    hints = stream.state.subjects
    assert (hints["jobs.run.grown.cpu"], hints["jobs.run.growing.cpu"]) == (1, 1)


async def test_a_class_whose_hint_waits_for_the_broker_is_not_hinted_again(
    registry, database, monkeypatch
):
    monkeypatch.setattr(NatsBus, "healthy", False)
    await registry.submit()

    assert await Sweeper(database, AT_ONCE).sweep() == 0


async def test_a_job_that_waits_for_its_next_attempt_is_hinted_when_it_is_due(registry, database):
    grant = await registry.running()
    await registry.fail(grant.lease, "INFRASTRUCTURE")
    sweeper = Sweeper(database, JobTimes())
    async with database.write() as conn:  # the delay is random and may be over already
        later = database.now(timedelta(minutes=1))
        await conn.execute(update(training_jobs).values(run_after=later))
    await sweeper.sweep()
    await registry.submit()
    await delivered(database)
    assert await sweeper.sweep() == 0

    async with database.write() as conn:
        failed = update(training_jobs).where(training_jobs.c.id == grant.lease.job_id)
        await conn.execute(failed.values(run_after=database.now()))

    assert await sweeper.sweep() == 1
    assert await sweeper.sweep() == 0


async def test_running_and_finished_jobs_are_not_hinted(registry, database):
    await registry.running()
    await registry.complete(await registry.running())

    assert await Sweeper(database, AT_ONCE).sweep() == 0


async def test_a_lost_worker_gives_its_job_back(registry, database):
    grant = await registry.running()
    await _lapse(database)

    reaped = await Reaper(database, AT_ONCE).reap()

    assert reaped == 1
    assert await _state(registry, grant.lease) == "QUEUED"
    assert (await registry.claim(grant.lease.job_id)).lease.attempt == 2


async def test_a_job_that_loses_worker_after_worker_fails(registry, database):
    job = await registry.submit()

    for _ in range(6):
        await registry.claim(job.job_id)
        await _lapse(database)
        await Reaper(database, AT_ONCE).reap()

    failed = await registry.jobs.GetJob(GetJobRequest(job_id=job.job_id))
    assert failed.state == JobState.JOB_STATE_FAILED
    assert failed.error.reason == "WORKER_LOST"


async def test_a_lease_that_holds_is_left_alone(registry, database):
    grant = await registry.running()

    assert await Reaper(database, AT_ONCE).reap() == 0
    assert await _state(registry, grant.lease) == "RUNNING"


async def test_a_cancelled_job_whose_worker_is_lost_is_cancelled(registry, database):
    grant = await registry.running()
    await registry.cancel(grant.lease.job_id)
    await _lapse(database)

    await Reaper(database, AT_ONCE).reap()

    assert await _state(registry, grant.lease) == "CANCELLED"


async def test_a_cancel_that_the_worker_ignores_is_enforced(registry, database):
    grant = await registry.running()
    await registry.cancel(grant.lease.job_id)

    await Reaper(database, AT_ONCE).reap()

    assert await _state(registry, grant.lease) == "CANCELLED"


async def test_a_registry_that_was_away_grants_every_lease_its_time_again(registry, database):
    grant = await registry.running()
    await _lapse(database)
    clock = Clock()
    reaper = Reaper(database, JobTimes(), clock)

    for _ in range(11):
        clock.seconds += 5
        assert await reaper.reap() == 0
    clock.seconds += 60  # suspended: its ticks are missing
    assert await reaper.reap() == 0
    for _ in range(11):
        clock.seconds += 5
        assert await reaper.reap() == 0
    clock.seconds += 5

    assert await reaper.reap() == 1
    assert await _state(registry, grant.lease) == "QUEUED"


async def test_after_an_outage_of_the_database_every_lease_has_its_time_again(
    registry, database, monkeypatch
):
    @asynccontextmanager
    async def unreachable():
        raise Unavailable("It does not answer.", reason="DATABASE_UNAVAILABLE")
        yield

    grant = await registry.running()
    await _lapse(database)
    clock = Clock()
    reaper = Reaper(database, JobTimes(), clock)
    clock.seconds += 60  # the grace of the start is over
    with monkeypatch.context() as patch:
        patch.setattr(database, "read", unreachable)
        for _ in range(20):
            clock.seconds += 5
            with pytest.raises(Unavailable):
                await reaper.reap()

    clock.seconds += 5

    assert await reaper.reap() == 0
    assert await _state(registry, grant.lease) == "RUNNING"


async def test_a_registry_that_was_kept_from_writing_grants_every_lease_its_time_again(
    registry, database, monkeypatch
):
    grant = await registry.running()
    await _lapse(database)
    clock, write = Clock(), database.write

    @asynccontextmanager
    async def write_when_unlocked():
        clock.seconds += 4
        async with write() as conn:
            yield conn

    reaper = Reaper(database, JobTimes(), clock)
    for _ in range(11):
        clock.seconds += 5
        assert await reaper.reap() == 0
    clock.seconds += 5  # the grace of the start is over
    with monkeypatch.context() as patch:
        patch.setattr(database, "write", write_when_unlocked)
        assert await reaper.reap() == 0
    clock.seconds += 5

    assert await reaper.reap() == 0
    assert await _state(registry, grant.lease) == "RUNNING"


@pytest.fixture
async def unreachable_bus() -> AsyncIterator[NatsBus]:
    bus = await NatsBus.connect("nats://127.0.0.1:1", "test", patience_seconds=0)
    yield bus
    await bus.close()


async def test_what_cannot_be_delivered_stays_in_the_outbox(database, unreachable_bus):
    async with database.write() as conn:
        await outbox.add(conn, subject="jobs.run.late.cpu", payload=b"hint", message_id="late")

    with pytest.raises(Unavailable):
        await Relay(database, unreachable_bus).relay()

    async with database.read() as conn:
        assert [row.payload for row in await outbox.pending(conn, "nats", 10)] == [b"hint"]


async def test_the_outbox_is_delivered_in_order_and_then_empty(database, bus):
    async with database.write() as conn:
        notices = [
            outbox.Notice("evt.job.ordered.metric", str(number).encode(), f"ordered-{number}")
            for number in range(5)
        ]
        await outbox.add_all(conn, notices)

    async with bus.subscribe("evt.job.ordered.metric") as messages:
        published = await Relay(database, bus).relay()
        received = [(await anext(messages)).data for _ in range(5)]

    assert published == 5
    assert received == [b"0", b"1", b"2", b"3", b"4"]
    async with database.read() as conn:
        assert await outbox.pending(conn, "nats", 10) == []


async def test_of_all_hints_of_a_class_the_relay_publishes_one(database, bus):
    async with database.write() as conn:
        kinds = [WorkerKind("many", "cpu"), WorkerKind("many", "gpu")] * 20
        await outbox.add_all(conn, [hints.run_hint(kind) for kind in kinds])

    async with bus.subscribe("jobs.run.many.*") as messages:
        published = await Relay(database, bus).relay()
        await bus.publish("jobs.run.many.end", b"", message_id="many-end")
        received = [(await anext(messages)).subject.rpartition(".")[2] for _ in range(3)]

    assert published == 40
    assert received == ["cpu", "gpu", "end"]
    async with database.read() as conn:
        assert await outbox.pending(conn, "nats", 10) == []


async def test_a_hint_that_the_broker_has_had_already_does_not_swallow_a_newer_one(database, bus):
    had, newer = (hints.run_hint(WorkerKind("twice", "cpu")) for _ in range(2))
    await bus.publish(had.subject, had.payload, message_id=had.message_id)
    consumer = bus.hints("twice", "cpu")
    taken = await consumer.fetch(5)
    await taken.ack()
    async with database.write() as conn:
        await outbox.add_all(conn, [had, newer])

    await Relay(database, bus).relay()

    assert await consumer.fetch(5) is not None


async def test_projections_are_left_to_the_projection(database, bus):
    async with database.write() as conn:
        await outbox.add_projection(conn, job_id="0" * 26, payload=b"run")

    assert await Relay(database, bus).relay() == 0
    async with database.read() as conn:
        assert len(await outbox.pending(conn, "mlflow", 10)) == 1
