"""JobService: jobs as their owners see them."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from google.protobuf.empty_pb2 import Empty

from omniscope.registry.v1 import job_service_pb2 as messages
from omniscope.registry.v1.job_service_pb2_grpc import JobServiceServicer
from omniscope_registry.jobs.checking import check_cancel_reason, event_kinds_from_proto
from omniscope_registry.jobs.convert import job_to_proto, status_to_proto
from omniscope_registry.jobs.sql.hints import notify_worker
from omniscope_service.rpc.auth import current_caller

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from omniscope.common.v1.job_event_pb2 import JobEvent, WatchRequest
    from omniscope.common.v1.job_pb2 import Job
    from omniscope_registry.jobs.intake import JobIntake
    from omniscope_registry.jobs.sql.journal import SqlJournal
    from omniscope_registry.jobs.sql.reading import SqlJobReader
    from omniscope_registry.jobs.sql.store import SqlJobStore
    from omniscope_service.events.bus import EventBus
    from omniscope_service.rpc.context import Context
    from omniscope_service.watch import JobWatcher


class JobServicer(JobServiceServicer):
    """Serves the caller's own jobs.

    Args:
        reader: Reads jobs.
        store: Changes jobs.
        intake: Starts a job once more.
        journal: Reads events.
        watcher: Streams events.
        bus: Hints a cancel to the worker.
    """

    def __init__(
        self,
        reader: SqlJobReader,
        store: SqlJobStore,
        intake: JobIntake,
        journal: SqlJournal,
        watcher: JobWatcher,
        bus: EventBus,
    ) -> None:
        self._reader = reader
        self._store = store
        self._intake = intake
        self._journal = journal
        self._watcher = watcher
        self._bus = bus

    async def GetJob(self, request: messages.GetJobRequest, context: Context) -> Job:
        """Return a job with its configuration."""
        job = await self._reader.get(current_caller().subject, request.job_id)
        return job_to_proto(job, with_config=True)

    async def GetJobStatus(
        self, request: messages.GetJobStatusRequest, context: Context
    ) -> messages.JobStatus:
        """Return what a poller needs."""
        return status_to_proto(await self._reader.status(current_caller().subject, request.job_id))

    async def ListJobs(
        self, request: messages.ListJobsRequest, context: Context
    ) -> messages.ListJobsResponse:
        """List the caller's jobs."""
        jobs, token = await self._reader.list_page(current_caller().subject, request)
        return messages.ListJobsResponse(jobs=jobs, next_page_token=token)

    async def WatchJob(self, request: WatchRequest, context: Context) -> AsyncIterator[JobEvent]:
        """Stream a job's events until it has ended."""
        async with aclosing(self._watcher.watch(request)) as events:
            async for event in events:
                yield event

    async def ListJobEvents(
        self, request: messages.ListJobEventsRequest, context: Context
    ) -> messages.ListJobEventsResponse:
        """Read a job's journal page by page."""
        kinds = event_kinds_from_proto(request.event_types)
        events, token = await self._journal.list_page(request, kinds)
        return messages.ListJobEventsResponse(events=events, next_page_token=token)

    async def CancelJob(self, request: messages.CancelJobRequest, context: Context) -> Job:
        """End a queued job, or ask for the end of a running one."""
        reason = check_cancel_reason(request.reason)
        job = await self._store.cancel(current_caller().subject, request.job_id, reason)
        if job.completed_at is None:
            await notify_worker(self._bus, job.id)
        return job_to_proto(job)

    async def RetryJob(self, request: messages.RetryJobRequest, context: Context) -> Job:
        """Start an ended job once more, as a new one."""
        owner = current_caller().subject
        job = await self._intake.retry(owner, request.job_id, request.request_id)
        return job_to_proto(job, with_config=True)

    async def DeleteJob(self, request: messages.DeleteJobRequest, context: Context) -> Empty:
        """Remove a finished job."""
        await self._store.delete(current_caller().subject, request.job_id)
        return Empty()
