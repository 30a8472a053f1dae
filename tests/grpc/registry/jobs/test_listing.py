"""GetJobStatus and ListJobs: the position in the queue, filters, order and pages."""

import pytest

from omniscope.registry.v1.job_service_pb2 import (
    GetJobRequest,
    GetJobStatusRequest,
    ListJobsRequest,
)
from omniscope_service.errors import InvalidArgument, NotFound


async def _list(registry, **fields):
    return await registry.jobs.ListJobs(ListJobsRequest(**fields))


async def test_a_queued_job_tells_its_position_in_the_queue(registry):
    jobs = [await registry.submit() for _ in range(3)]
    await registry.submit(resource_class="gpu")

    statuses = [
        await registry.jobs.GetJobStatus(GetJobStatusRequest(job_id=job.job_id)) for job in jobs
    ]
    await registry.claim(jobs[0].job_id)
    after = await registry.jobs.GetJobStatus(GetJobStatusRequest(job_id=jobs[2].job_id))

    assert [status.status for status in statuses] == ["queued"] * 3
    first, *others = [status.message for status in statuses]
    assert "Position in the queue" not in first
    assert [message[-len("queue: 2.") :] for message in others] == ["queue: 2.", "queue: 3."]
    assert after.message.endswith("Position in the queue: 2.")


async def test_jobs_are_listed_newest_first_without_their_configuration(registry):
    jobs = [await registry.submit() for _ in range(3)]

    listed = (await _list(registry)).jobs

    assert [job.job_id for job in listed] == [job.job_id for job in reversed(jobs)]
    assert not any(job.HasField("config") for job in listed)
    assert listed[0].message.endswith("Position in the queue: 3.")


async def test_a_list_tells_the_position_of_each_job_that_its_status_says(registry):
    for number in range(8):
        await registry.submit(resource_class="gpu" if number % 3 else "cpu")
    await registry.running()

    page = await _list(registry, page_size=4)
    rest = await _list(registry, page_size=5, page_token=page.next_page_token)

    for job in (*page.jobs, *rest.jobs):
        status = await registry.jobs.GetJobStatus(GetJobStatusRequest(job_id=job.job_id))
        assert job.message == status.message
    assert sum("Position in the queue" in job.message for job in (*page.jobs, *rest.jobs)) == 6


async def test_pages_hold_every_job_once(registry):
    jobs = [await registry.submit() for _ in range(5)]

    seen, token = [], ""
    for _ in range(3):
        page = await _list(registry, page_size=2, order_by="create_time", page_token=token)
        seen += [job.job_id for job in page.jobs]
        token = page.next_page_token

    assert seen == [job.job_id for job in jobs]
    assert token == ""


async def test_a_filter_selects_by_state_and_service(registry):
    await registry.submit()
    running = await registry.running()
    await registry.running(service="other")

    page = await _list(registry, filter='state = "running" AND service != "other"')

    assert [job.job_id for job in page.jobs] == [running.lease.job_id]


async def test_jobs_of_somebody_else_are_never_listed(registry):
    await registry.submit()

    assert not (await registry.jobs_of_bob.ListJobs(ListJobsRequest())).jobs


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_jobs_that_do_not_fit_into_one_answer_come_in_several(registry):
    tags = {f"{'种' * 250}{number}": "种" * 256 for number in range(64)}
    made = [(await registry.submit(tags=tags)).job_id for _ in range(50)]

    listed: list[str] = []
    request = ListJobsRequest(order_by="create_time")
    while not listed or request.page_token:
        page = await registry.jobs.ListJobs(request)
        listed += [job.job_id for job in page.jobs]
        request.page_token = page.next_page_token

    assert listed == made


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"filter": 'owner = "ada"'}, "FILTER_INVALID"),
        ({"filter": 'state = "sleeping"'}, "FILTER_INVALID"),
        ({"order_by": "owner"}, "ORDER_BY_INVALID"),
        ({"page_size": -1}, "PAGE_SIZE_INVALID"),
        ({"page_token": "nonsense"}, "PAGE_TOKEN_MISMATCH"),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_list_that_cannot_be_is_refused(registry, refused, fields, reason):
    error = await refused(_list(registry, **fields))

    assert isinstance(error, InvalidArgument)
    assert error.reason == reason


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_page_token_is_bound_to_its_filter(registry, refused):
    for _ in range(2):
        await registry.submit()
    token = (await _list(registry, page_size=1)).next_page_token

    error = await refused(_list(registry, filter='state = "queued"', page_token=token))

    assert error.reason == "PAGE_TOKEN_MISMATCH"


@pytest.mark.parametrize(
    "job_id", ["01JTHERESN0SVCHJ0BXXXXXXXX", "no such job", "x" * 5000, "zero\0byte"]
)
async def test_an_unknown_job_is_named(registry, refused, job_id):
    for call in (
        registry.jobs.GetJob(GetJobRequest(job_id=job_id)),
        registry.jobs.GetJobStatus(GetJobStatusRequest(job_id=job_id)),
    ):
        error = await refused(call)
        assert isinstance(error, NotFound)
        assert error.reason == "JOB_NOT_FOUND"
        assert error.metadata["resource_name"] == job_id[:64]
