from contextlib import AsyncExitStack

import pytest
from google.protobuf.any_pb2 import Any
from ulid import ULID

from omniscope.common.v1.job_event_pb2 import JobEvent
from omniscope.common.v1.job_pb2 import Job
from omniscope.registry.v1 import job_service_pb2, job_service_pb2_grpc
from omniscope_service.app import Service
from omniscope_service.errors import NotFound
from omniscope_service.registry_client import RegistryClient
from omniscope_service.rpc.server import Registration
from omniscope_service.testing.serving import serve
from omniscope_service.watch import RegistryJournal

JOB = str(ULID())


class PlayedJobs(job_service_pb2_grpc.JobServiceServicer):
    """A registry with one job and three events; what a journal does not call is not played."""

    GetJobStatus = ListJobs = WatchJob = None  # type: ignore[assignment]
    CancelJob = RetryJob = DeleteJob = None  # type: ignore[assignment]

    async def GetJob(self, request, context):
        if request.job_id != JOB:
            raise NotFound("There is no such job.", reason="JOB_NOT_FOUND")
        return Job(job_id=JOB, last_sequence=3, config=Any(type_url="t", value=b"c"))

    async def ListJobEvents(self, request, context):
        after, until = request.after_sequence, request.after_sequence + request.page_size
        events = [JobEvent(sequence=n) for n in (1, 2, 3) if after < n <= until]
        return job_service_pb2.ListJobEventsResponse(events=events)


@pytest.fixture
async def journal(tokens):
    registration = Registration(
        servicer=PlayedJobs(),
        add=job_service_pb2_grpc.add_JobServiceServicer_to_server,
        full_name="omniscope.registry.v1.JobService",
    )
    service = Service(
        name="registry", listen="127.0.0.1:0", registrations=[registration], verifier=tokens
    )
    async with AsyncExitStack() as stack:
        target = await stack.enter_async_context(serve(service))
        yield RegistryJournal(await stack.enter_async_context(RegistryClient(target, tokens.user)))


async def test_a_snapshot_is_the_job_without_its_configuration(journal):
    job = await journal.snapshot(JOB)

    assert job.last_sequence == 3
    assert not job.HasField("config")


async def test_a_page_of_the_journal_starts_after_a_sequence(journal):
    assert [event.sequence for event in await journal.read(JOB, 1, 1)] == [2]
    assert [event.sequence for event in await journal.read(JOB, 2, 500)] == [3]


async def test_somebody_elses_job_is_not_found(journal):
    with pytest.raises(NotFound):
        await journal.snapshot(str(ULID()))
