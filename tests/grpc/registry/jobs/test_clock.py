"""Clocks that jump: only durations and the database's clock decide."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy import select

from omniscope.registry.v1 import worker_service_pb2
from omniscope.registry.v1.job_service_pb2 import ListJobEventsRequest
from omniscope_registry import database as database_module
from omniscope_registry.database import Database
from omniscope_registry.jobs.domain import JobTimes
from omniscope_registry.jobs.loops.deadlines import DeadlineEnforcer
from omniscope_registry.jobs.loops.reaper import Reaper
from omniscope_registry.jobs.loops.sweeper import Sweeper
from omniscope_registry.tables.jobs import training_jobs
from omniscope_service.jobs.stop import LeaseHeartbeat, StopSignal
from tests.grpc.registry.jobs.job_stores import JobStores
from tests.grpc.registry.jobs.wall_clock import WallClock

JUMPS = [timedelta(hours=-1), timedelta(hours=1)]
# The whole lease of the default profile and a second.
LAPSED = 61.0


@pytest.fixture
def wall(monkeypatch):
    """The wall clock of this process, which is the registry's and the worker's."""
    return WallClock(monkeypatch)


@pytest.fixture
def monotonic(monkeypatch):
    """The clock that SQLite's registry counts time by; `ahead` moves it on."""
    clock = SimpleNamespace(ahead=0.0)
    moved_on = SimpleNamespace(monotonic=lambda: time.monotonic() + clock.ahead)
    monkeypatch.setattr(database_module, "time", moved_on)
    return clock


@pytest.fixture
def reaper(database):
    """A reaper whose grace is over."""
    seconds = iter([1000.0, 0.0])
    return Reaper(database, JobTimes(), lambda: next(seconds, 1000.0))


async def _row(database):
    async with database.read() as conn:
        return (await conn.execute(select(training_jobs))).one()


async def _beat(registry, lease):
    return await registry.worker.Heartbeat(worker_service_pb2.HeartbeatRequest(lease=lease))


@pytest.mark.parametrize("jump", JUMPS)
async def test_a_jump_of_the_registrys_clock_ends_no_lease_and_grants_no_second_one(
    registry, database, reaper, wall, jump
):
    grant = await registry.running()
    wall.ahead = jump

    assert await reaper.reap() == 0
    assert not (await registry.claim()).HasField("lease")
    await _beat(registry, grant.lease)
    wall.ahead = -jump
    assert await reaper.reap() == 0
    assert await registry.complete(grant)


@pytest.mark.parametrize("jump", JUMPS)
async def test_a_lease_that_is_granted_or_renewed_after_a_jump_is_as_long_as_before(
    registry, database, wall, jump
):
    before = await _granted_lease(registry, database)
    wall.ahead = jump
    after = await _granted_lease(registry, database)

    # What lies between the two is the test, not the jump.
    assert timedelta(0) <= after - before < timedelta(minutes=1)


async def _granted_lease(registry, database):
    grant = await registry.running()
    await _beat(registry, grant.lease)
    query = select(training_jobs.c.lease_until).where(training_jobs.c.id == grant.lease.job_id)
    async with database.read() as conn:
        return await conn.scalar(query)


@pytest.mark.parametrize("jump", JUMPS)
async def test_deadlines_and_delays_before_another_attempt_outlive_a_jump(
    registry, database, wall, refused, jump
):
    job = await registry.submit(deadline_seconds=600)
    wall.ahead = jump
    grant = await registry.claim(job.job_id)
    await registry.fail(grant.lease, "INFRASTRUCTURE")

    waiting = await _row(database)
    promised = waiting.deadline_at - waiting.created_at
    assert abs(promised - timedelta(seconds=600)) < timedelta(seconds=1)
    assert timedelta(0) <= waiting.run_after - waiting.updated_at <= timedelta(seconds=5)
    assert await DeadlineEnforcer(database, JobTimes()).enforce() == 0
    assert timedelta(seconds=500) < grant.deadline_in.ToTimedelta() <= timedelta(seconds=600)


@pytest.mark.parametrize("jump", JUMPS)
async def test_a_jump_hints_no_job_again(registry, database, wall, jump):
    sweeper = Sweeper(database, JobTimes())
    await sweeper.sweep()
    await registry.submit()
    wall.ahead = jump

    assert await sweeper.sweep() == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("jump", JUMPS)
async def test_on_sqlite_time_that_has_passed_ends_a_lease_whatever_the_wall_clock_says(
    registry, database, reaper, wall, monotonic, jump
):
    grant = await registry.running()
    wall.ahead = jump

    monotonic.ahead = LAPSED

    assert await reaper.reap() == 1
    assert (await registry.claim(grant.lease.job_id)).lease.attempt == 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_registry_that_starts_after_its_clock_was_set_back_finds_its_jobs_due(
    database, database_url, tmp_path, wall
):
    await (await JobStores.open(database, tmp_path)).submit()
    await database.close()
    wall.ahead = timedelta(hours=-1)

    reopened = await Database.open(database_url)

    held = await JobStores(reopened, tmp_path, "").claim()
    assert held is not None
    assert held.lease.attempt == 1
    await reopened.close()


@pytest.mark.parametrize("jump", JUMPS)
async def test_a_jump_of_the_workers_clock_stops_neither_heartbeats_nor_training(
    registry, database, wall, jump
):
    grant = await registry.running()
    grant.heartbeat_interval.FromMilliseconds(20)
    stop = StopSignal()
    beating = asyncio.create_task(LeaseHeartbeat(registry.worker, grant, stop).send())

    wall.ahead = jump
    first = (await _row(database)).lease_until
    while (await _row(database)).lease_until <= first:
        await database.wait_for_commit(after=database.commits, timeout_seconds=1)

    assert stop.cause is None
    beating.cancel()
    await asyncio.wait({beating})


async def test_the_time_that_a_worker_writes_on_an_event_is_not_taken_over(registry, events):
    grant = await registry.running()
    event = events.progress(10.0)
    event.event_time.FromDatetime(datetime(2001, 1, 1, tzinfo=UTC))

    await registry.report(grant.lease, 1, event)

    request = ListJobEventsRequest(job_id=grant.lease.job_id)
    journal = (await registry.jobs.ListJobEvents(request)).events
    times = [event.event_time.ToNanoseconds() for event in journal]
    assert times == sorted(times)


def test_workers_send_no_time_outside_of_events():
    service = worker_service_pb2.DESCRIPTOR.services_by_name["WorkerService"]

    sent = {path for method in service.methods for path in _times(method.input_type)}

    assert {path for path in sent if not path.startswith("events.event.")} == set()


def _times(message, path=()):
    """Find every field, at any depth, that says a point in time."""
    for field in message.fields:
        here = (*path, field.name)
        if field.type != FieldDescriptor.TYPE_MESSAGE or len(here) > 6:
            continue
        if field.message_type is Timestamp.DESCRIPTOR:
            yield ".".join(here)
        yield from _times(field.message_type, here)
