"""Two registries on one PostgreSQL: what both of them do is done once."""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta

import grpc
import pytest
from sqlalchemy import update

from omniscope.common.v1.job_pb2 import JobState
from omniscope.registry.v1.job_intake_service_pb2_grpc import JobIntakeServiceStub
from omniscope.registry.v1.job_service_pb2 import GetJobRequest
from omniscope.registry.v1.worker_service_pb2_grpc import WorkerServiceStub
from omniscope_registry import outbox
from omniscope_registry.app import Resources, compose
from omniscope_registry.database import Database
from omniscope_registry.jobs.domain import JobTimes
from omniscope_registry.jobs.loops.deadlines import DeadlineEnforcer
from omniscope_registry.jobs.loops.reaper import Reaper
from omniscope_registry.jobs.loops.sweeper import Sweeper
from omniscope_registry.relay import Relay
from omniscope_registry.tables.jobs import job_attempts, training_jobs
from omniscope_service.errors import AlreadyExists
from omniscope_service.rpc.status import error_from_rpc
from omniscope_service.testing.serving import channel, serve
from tests.grpc.registry.jobs.job_stores import JobStores

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

JOBS = 20
# Every lease has lapsed and every deadline has passed as soon as it is there.
AT_ONCE = JobTimes(lease=timedelta(0), cancel_grace=timedelta(0))


@pytest.fixture
async def other_database(database: Database, database_url: str) -> AsyncIterator[Database]:
    """The database as another replica has it open."""
    opened = await Database.open(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def stores(database, tmp_path):
    return await JobStores.open(database, tmp_path)


@pytest.fixture
async def other_registry(registry, other_database, settings, artifacts, bus, callers):
    """A second replica of `registry`, behind a server of its own."""
    service = compose(settings, Resources(other_database, artifacts, bus, callers))
    async with AsyncExitStack() as stack:
        target = await stack.enter_async_context(serve(service))
        intake = await stack.enter_async_context(channel(target, "service", "ada"))
        worker = await stack.enter_async_context(channel(target, "worker"))
        yield replace(
            registry,
            target=target,
            intake=JobIntakeServiceStub(intake),
            worker=WorkerServiceStub(worker),
        )


async def _fill(database, job, numbers):
    async with database.write() as conn:
        notices = [
            outbox.Notice(f"evt.job.{job}.metric", b"%d" % number, f"{job}-{number}")
            for number in numbers
        ]
        await outbox.add_all(conn, notices)


async def _drain(relay):
    while await relay.relay():
        pass


async def _change_all(database, **values):
    async with database.write() as conn:
        await conn.execute(update(training_jobs).values(values))


async def test_two_relays_empty_an_outbox_and_publish_every_message_once(
    database, other_database, bus
):
    await _fill(database, "shared", range(500))

    async with bus.subscribe("evt.job.shared.metric") as messages:
        await asyncio.gather(*(_drain(Relay(each, bus)) for each in (database, other_database)))
        await bus.publish("evt.job.shared.metric", b"end", message_id=str(uuid.uuid4()))
        received: Counter[int] = Counter()
        while (message := await anext(messages)).data != b"end":
            received[int(message.data)] += 1

    assert received == Counter(range(500))


async def test_a_relay_finds_what_a_registry_that_died_has_left(database, other_database, bus):
    async with bus.subscribe("evt.job.orphaned.metric") as messages:
        relaying = asyncio.create_task(Relay(other_database, bus).run())
        await _fill(other_database, "orphaned", [0])
        await anext(messages)

        await _fill(database, "orphaned", [1])
        await database.close()

        assert (await anext(messages)).data == b"1"
        relaying.cancel()
        await asyncio.wait({relaying})


async def test_two_reapers_end_a_lost_attempt_once(database, other_database, stores):
    for _ in range(JOBS):
        await stores.running()
    await _change_all(database, lease_until=training_jobs.c.created_at)

    reapers = [Reaper(each, AT_ONCE) for each in (database, other_database)]
    reaped = await asyncio.gather(*(reaper.reap() for reaper in reapers))

    assert sum(reaped) == JOBS
    assert [row.outcome for row in await stores.rows(job_attempts)] == ["lost"] * JOBS
    jobs = await stores.rows(training_jobs)
    assert {(job.status, job.last_sequence) for job in jobs} == {("queued", 3)}


async def test_two_keepers_end_a_job_at_its_deadline_once(database, other_database, stores):
    for _ in range(JOBS):
        await stores.submit(deadline_seconds=90)
    await _change_all(database, deadline_at=training_jobs.c.created_at)

    enforcers = [DeadlineEnforcer(each, AT_ONCE) for each in (database, other_database)]
    ended = await asyncio.gather(*(enforcer.enforce() for enforcer in enforcers))

    assert sum(ended) == JOBS
    jobs = await stores.rows(training_jobs)
    assert {(job.status, job.last_sequence) for job in jobs} == {("timed_out", 2)}


async def test_two_sweepers_hint_a_class_once_each_at_most(database, other_database, stores, bus):
    for _ in range(JOBS):
        await stores.submit()
    await _drain(Relay(database, bus))

    sweepers = [Sweeper(each, JobTimes()) for each in (database, other_database)]
    hinted = await asyncio.gather(*(sweeper.sweep() for sweeper in sweepers))

    assert 1 <= sum(hinted) <= 2


async def test_of_two_workers_at_two_registries_one_gets_the_job(registry, other_registry):
    for _ in range(JOBS):
        job = await registry.submit()

        grants = await asyncio.gather(registry.claim(), other_registry.claim())

        assert [grant.lease.job_id for grant in grants if grant.HasField("lease")] == [job.job_id]


async def test_workers_at_two_registries_get_different_jobs(registry, other_registry):
    jobs = {(await registry.submit()).job_id for _ in range(JOBS)}

    grants = await asyncio.gather(
        *(replica.claim() for replica in (registry, other_registry) for _ in range(JOBS // 2))
    )

    assert {grant.lease.job_id for grant in grants} == jobs


async def test_a_claim_repeated_at_the_other_registry_is_the_same_claim(registry, other_registry):
    claim_id = str(uuid.uuid4())
    for _ in range(2):
        await registry.submit()

    grants = await asyncio.gather(registry.claim("", claim_id), other_registry.claim("", claim_id))

    assert grants[0].lease == grants[1].lease
    assert (await other_registry.complete(grants[0])) == (await registry.complete(grants[1]))


async def test_a_request_that_reaches_two_registries_makes_one_job(registry, other_registry):
    for _ in range(JOBS):
        request_id = str(uuid.uuid4())

        first, second = await asyncio.gather(
            registry.submit(request_id=request_id), other_registry.submit(request_id=request_id)
        )

        assert first.job_id == second.job_id


async def test_two_requests_with_one_id_at_two_registries_make_one_job(registry, other_registry):
    request_id = str(uuid.uuid4())

    answers = await asyncio.gather(
        registry.submit(request_id=request_id, description="one"),
        other_registry.submit(request_id=request_id, description="another"),
        return_exceptions=True,
    )

    errors = [
        error_from_rpc(answer) for answer in answers if isinstance(answer, grpc.aio.AioRpcError)
    ]
    assert [error.reason for error in errors] == ["REQUEST_ID_REUSED"]
    assert isinstance(errors[0], AlreadyExists)


async def test_a_cancel_and_a_completion_at_two_registries_have_one_winner(
    registry, other_registry
):
    for _ in range(5):
        grant = await registry.running()

        answers = await asyncio.gather(
            other_registry.complete(grant),
            registry.cancel(grant.lease.job_id),
            return_exceptions=True,
        )

        job = await registry.jobs.GetJob(GetJobRequest(job_id=grant.lease.job_id))
        assert (job.state, job.model_id) == (JobState.JOB_STATE_SUCCEEDED, answers[0])
