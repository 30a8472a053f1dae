"""What one owner may ask for."""

import asyncio
import uuid

import pytest

from omniscope.registry.v1.job_service_pb2 import ListJobsRequest
from omniscope_registry.settings import RegistrySettings
from omniscope_service.errors import ResourceExhausted

LIMIT = 5


@pytest.fixture
def settings(home, request):
    return RegistrySettings(home=home, **request.param)


few_active = pytest.mark.parametrize(
    "settings",
    [{"OMNISCOPE_REGISTRY_MAX_ACTIVE_JOBS": LIMIT}],
    indirect=True,
)
few_submissions = pytest.mark.parametrize(
    "settings",
    [{"OMNISCOPE_REGISTRY_MAX_SUBMISSIONS_PER_MINUTE": LIMIT}],
    indirect=True,
)
no_limit = pytest.mark.parametrize("settings", [{}], indirect=True)


async def _submit_at_once(registry, count):
    answers = await asyncio.gather(
        *(registry.submit() for _ in range(count)), return_exceptions=True
    )
    return [answer for answer in answers if not isinstance(answer, Exception)]


@few_active
async def test_jobs_beyond_the_quota_are_refused_however_many_come_at_once(registry):
    accepted = await _submit_at_once(registry, 20)

    assert len(accepted) == LIMIT
    assert len((await registry.jobs.ListJobs(ListJobsRequest())).jobs) == LIMIT


@few_active
async def test_an_ended_job_makes_room(registry, refused):
    jobs = await _submit_at_once(registry, LIMIT)
    error = await refused(registry.submit())
    await registry.cancel(jobs[0].job_id)

    await registry.submit()

    assert isinstance(error, ResourceExhausted)
    assert error.reason == "QUOTA_EXCEEDED"
    assert error.retry_after_seconds


@few_submissions
async def test_submissions_within_a_minute_are_limited_and_the_error_says_how_long(
    registry, refused
):
    accepted = await _submit_at_once(registry, 20)
    await registry.cancel(accepted[0].job_id)

    error = await refused(registry.submit())

    assert len(accepted) == LIMIT
    assert error.reason == "QUOTA_EXCEEDED"
    assert error.retry_after_seconds is not None
    assert 0 < error.retry_after_seconds <= 60


@few_active
async def test_a_repeated_request_is_answered_whatever_the_quota(registry):
    request_id = str(uuid.uuid4())
    first = await registry.submit(request_id=request_id)
    await _submit_at_once(registry, LIMIT)

    assert (await registry.submit(request_id=request_id)).job_id == first.job_id


@few_active
async def test_what_one_owner_has_counts_for_nobody_else(registry, refused):
    await _submit_at_once(registry, LIMIT)

    error = await refused(registry.intake_of_bob.SubmitJob(registry.submission()))

    assert error.reason == "DATASET_NOT_FOUND"  # not his: but he got that far
