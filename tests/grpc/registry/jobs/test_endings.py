"""CompleteJob and FailJob: one terminal state per job, and retries by cause."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from omniscope.common.v1.job_pb2 import JobState
from omniscope.registry.v1 import worker_service_pb2 as messages
from omniscope.registry.v1.job_service_pb2 import GetJobRequest, ListJobEventsRequest
from omniscope.registry.v1.projection_service_pb2 import Projection
from omniscope_registry import outbox
from omniscope_registry.tables.jobs import job_attempts, training_jobs
from omniscope_service.errors import Aborted, DataLoss, InvalidArgument

FAILED = JobState.JOB_STATE_FAILED
QUEUED = JobState.JOB_STATE_QUEUED


async def _job(registry, lease):
    return await registry.jobs.GetJob(GetJobRequest(job_id=lease.job_id))


async def _make_due(database):
    """Pass over the time that a job has to wait for its next attempt."""
    async with database.write() as conn:
        await conn.execute(update(training_jobs).values(run_after=training_jobs.c.created_at))


async def _projections(database):
    async with database.read() as conn:
        rows = await outbox.pending(conn, "mlflow", 100)
    return [Projection.FromString(row.payload) for row in rows]


async def test_a_completed_job_has_a_model_and_says_so_last(registry, database):
    grant = await registry.running()

    model_id = await registry.complete(grant, stopped_early=True)

    job = await _job(registry, grant.lease)
    assert job.state == JobState.JOB_STATE_SUCCEEDED
    assert (job.model_id, job.progress, job.stopped_early) == (model_id, 100, True)
    assert job.end_time.ToNanoseconds() >= job.start_time.ToNanoseconds()
    request = ListJobEventsRequest(job_id=job.job_id)
    last = (await registry.jobs.ListJobEvents(request)).events[-1]
    assert last.sequence == job.last_sequence
    assert last.state_changed.model_id == model_id
    kinds = [projection.WhichOneof("projection") for projection in await _projections(database)]
    assert kinds == ["run_started", "model_registered", "run_ended"]


async def test_completing_again_with_the_winning_attempt_gives_the_same_model(registry):
    grant = await registry.running()

    first = await registry.complete(grant)
    again = await registry.complete(grant)

    assert again == first


async def test_a_package_outside_of_the_attempts_prefix_is_refused(registry, refused):
    grant, other = await registry.running(), await registry.running()
    key, digest = await registry.put_package(other)
    request = messages.CompleteJobRequest(
        lease=grant.lease, package_key=key, manifest_digest=digest
    )

    error = await refused(registry.worker.CompleteJob(request))

    assert isinstance(error, InvalidArgument)
    assert error.reason == "PACKAGE_KEY_INVALID"


async def test_a_corrupt_package_leaves_the_job_running(registry, refused):
    grant = await registry.running()
    key, digest = await registry.put_package(grant)
    await registry.artifacts.put_bytes(f"{key}/results.json", b"{}")
    request = messages.CompleteJobRequest(
        lease=grant.lease, package_key=key, manifest_digest=digest
    )

    error = await refused(registry.worker.CompleteJob(request))

    assert isinstance(error, DataLoss)
    assert (await _job(registry, grant.lease)).state == JobState.JOB_STATE_RUNNING


async def test_an_attempt_that_lost_its_lease_cannot_complete(registry, refused, database):
    grant = await registry.running()
    await registry.fail(grant.lease, "PREEMPTED")
    await registry.claim(grant.lease.job_id)

    error = await refused(registry.complete(grant))

    assert isinstance(error, Aborted)
    assert error.reason == "STALE_ATTEMPT"


@pytest.mark.parametrize(
    ("cause", "state"),
    [
        ("USER_ERROR", FAILED),
        ("OUT_OF_MEMORY", FAILED),
        ("DEADLINE", JobState.JOB_STATE_TIMED_OUT),
    ],
)
async def test_what_cannot_work_is_not_tried_again(registry, cause, state):
    grant = await registry.running()

    assert await registry.fail(grant.lease, cause, "NO_CLASSES") == state

    job = await _job(registry, grant.lease)
    assert job.state == state
    assert (job.error.reason, job.error.message) == ("NO_CLASSES", "It did not work.")
    assert job.HasField("end_time")


async def test_a_job_that_kills_its_worker_process_twice_is_quarantined(registry):
    grant = await registry.running()

    assert await registry.fail(grant.lease, "CRASH") == QUEUED
    again = await registry.claim(grant.lease.job_id)
    state = await registry.fail(again.lease, "CRASH", "CHILD_DIED")

    assert again.lease.attempt == 2
    assert state == JobState.JOB_STATE_QUARANTINED
    assert (await _job(registry, grant.lease)).error.reason == "CHILD_DIED"


async def test_infrastructure_is_forgiven_five_times(registry, database):
    job = await registry.submit()

    states = []
    for _ in range(6):
        grant = await registry.claim(job.job_id)
        states.append(await registry.fail(grant.lease, "INFRASTRUCTURE"))
        await _make_due(database)

    assert states == [QUEUED] * 5 + [FAILED]


async def test_a_job_that_waits_after_a_failure_cannot_be_claimed_before_its_time(
    registry, database
):
    grant = await registry.running()
    await registry.fail(grant.lease, "INFRASTRUCTURE")

    async with database.read() as conn:
        row = (await conn.execute(select(training_jobs))).one()
    async with database.write() as conn:  # the delay is random and may be over already
        later = database.now(timedelta(minutes=1))
        await conn.execute(update(training_jobs).values(run_after=later))
    claimed = await registry.claim()

    assert row.run_after > row.updated_at
    assert not claimed.HasField("lease")


async def test_handing_a_job_back_costs_no_retry(registry):
    job = await registry.submit()

    for attempt in range(1, 9):
        grant = await registry.claim(job.job_id)
        assert grant.lease.attempt == attempt
        assert await registry.fail(grant.lease, "PREEMPTED") == QUEUED


async def test_a_job_that_is_handed_back_is_hinted_at_once(registry, bus):
    async with bus.subscribe("jobs.run.returned.cpu") as hints:
        grant = await registry.running(service="returned")
        await anext(hints)

        await registry.fail(grant.lease, "PREEMPTED")

        assert await anext(hints)


async def test_failing_again_for_the_same_cause_changes_nothing(registry, database):
    grant = await registry.running()

    first = await registry.fail(grant.lease, "CRASH")
    again = await registry.fail(grant.lease, "CRASH")

    assert first == again == QUEUED
    async with database.read() as conn:
        attempts = (await conn.execute(select(job_attempts.c.outcome))).scalars().all()
    assert attempts == ["crash"]


async def test_a_failure_after_the_end_is_stale(registry, refused):
    grant = await registry.running()
    await registry.complete(grant)

    error = await refused(registry.fail(grant.lease, "CRASH"))

    assert isinstance(error, Aborted)


async def test_every_attempt_ends_its_run_in_mlflow(registry, database):
    grant = await registry.running()
    await registry.fail(grant.lease, "PREEMPTED")
    again = await registry.claim(grant.lease.job_id)
    await registry.fail(again.lease, "USER_ERROR")

    ended = [
        (projection.run_ended.attempt, projection.run_ended.status)
        for projection in await _projections(database)
        if projection.HasField("run_ended")
    ]

    assert ended == [(1, "KILLED"), (2, "FAILED")]


async def test_the_journal_tells_every_transition(registry):
    grant = await registry.running()
    await registry.fail(grant.lease, "CRASH")
    await registry.complete(await registry.claim(grant.lease.job_id))

    request = ListJobEventsRequest(job_id=grant.lease.job_id)
    journal = (await registry.jobs.ListJobEvents(request)).events
    states = [JobState.Name(event.state_changed.to_state) for event in journal]
    assert [state.removeprefix("JOB_STATE_") for state in states] == [
        "QUEUED", "RUNNING", "QUEUED", "RUNNING", "SUCCEEDED"
    ]  # fmt: skip
    assert [event.sequence for event in journal] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_failure_that_says_nothing_useful_is_refused(registry, refused):
    grant = await registry.running()

    for cause, reason, field in (
        ("UNSPECIFIED", "FINE", "cause"),
        ("CRASH", "lower case", "error.reason"),
    ):
        error = await refused(registry.fail(grant.lease, cause, reason))
        assert isinstance(error, InvalidArgument)
        assert error.field == field


async def test_a_job_that_stalls_is_tried_once_more_and_then_fails(registry):
    grant = await registry.running()

    assert await registry.fail(grant.lease, "STALLED", "TRAINING_STALLED") == QUEUED
    again = await registry.claim(grant.lease.job_id)
    state = await registry.fail(again.lease, "STALLED", "TRAINING_STALLED")

    assert state == JobState.JOB_STATE_FAILED


async def test_a_worker_that_dies_under_a_job_is_no_crash_of_the_job(registry, database):
    grant = await registry.running()

    assert await registry.fail(grant.lease, "INFRASTRUCTURE", "WORKER_LOST") == QUEUED
    await _make_due(database)
    again = await registry.claim(grant.lease.job_id)

    assert await registry.fail(again.lease, "CRASH", "TRAINING_CRASHED") == QUEUED
