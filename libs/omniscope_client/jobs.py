"""Jobs of every service: reading, watching, cancelling."""

import time
from collections.abc import Callable, Iterator, Sequence
from uuid import uuid4

from google.protobuf.empty_pb2 import Empty

from omniscope.common.v1.job_event_pb2 import JobEvent, JobEventType, WatchRequest
from omniscope.common.v1.job_pb2 import (
    JOB_STATE_CANCELLED,
    JOB_STATE_FAILED,
    JOB_STATE_QUARANTINED,
    JOB_STATE_SUCCEEDED,
    JOB_STATE_TIMED_OUT,
    Job,
)
from omniscope.registry.v1.job_service_pb2 import (
    CancelJobRequest,
    DeleteJobRequest,
    GetJobRequest,
    GetJobStatusRequest,
    JobStatus,
    ListJobsRequest,
    RetryJobRequest,
)
from omniscope.registry.v1.job_service_pb2_grpc import JobServiceStub
from omniscope_client.calls import Calls
from omniscope_client.errors import OmniscopeError
from omniscope_client.paging import Page, rows_of

TERMINAL_STATES = frozenset(
    {
        JOB_STATE_SUCCEEDED,
        JOB_STATE_FAILED,
        JOB_STATE_CANCELLED,
        JOB_STATE_TIMED_OUT,
        JOB_STATE_QUARANTINED,
    }
)
WATCH_FAILURES = 12
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0


class Jobs:
    """Reads, watches and cancels jobs."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = JobServiceStub(calls.channel)

    def get(self, job_id: str) -> Job:
        """Return a job with its configuration."""
        return self._calls.unary(self._stub.GetJob, GetJobRequest(job_id=job_id))

    def status(self, job_id: str) -> JobStatus:
        """Return what a poller needs."""
        return self._calls.unary(self._stub.GetJobStatus, GetJobStatusRequest(job_id=job_id))

    def list(self, limit: int = 50, query: str = "") -> Iterator[Job]:
        """Yield the newest jobs first, at most `limit`; `query` is `ListJobs.filter`."""

        def page(size: int, token: str) -> Page[Job]:
            request = ListJobsRequest(page_size=size, page_token=token, filter=query)
            answer = self._calls.unary(self._stub.ListJobs, request)
            return answer.jobs, answer.next_page_token

        return rows_of(page, limit)

    def watch(
        self,
        job_id: str,
        *,
        resume_token: str = "",
        event_types: Sequence[JobEventType.ValueType] = (),
        on_lost: Callable[[], None] = lambda: None,
    ) -> Iterator[JobEvent]:
        """Yield a job's events until the terminal one, over as many connections as it takes.

        A lost connection is opened again with the last token seen, so no event is missing or
        repeated but snapshots, of which every connection brings one. It gives up after about a
        minute without an answer. Leaving the loop does not touch the job.

        Args:
            job_id: The job.
            resume_token: `JobEvent.resume_token` to go on after. Default: from the start.
            event_types: Only these kinds. Default: all.
            on_lost: Called when a connection broke or none could be made, before the next try.
        """
        request = WatchRequest(job_id=job_id, resume_token=resume_token, event_types=event_types)
        failures, seen = 0, None
        while True:
            try:
                for seen in self._calls.receive(self._stub.WatchJob, request):
                    yield seen
                    if _is_terminal(seen):
                        return
                    if not seen.HasField("snapshot"):  # it repeats, it does not advance
                        failures, request.resume_token = 0, seen.resume_token
                if seen is not None and seen.snapshot.state in TERMINAL_STATES:
                    return  # the token was the terminal event's: nothing came after it
            except OmniscopeError as error:
                if seen is None or not error.transient or failures >= WATCH_FAILURES:
                    raise
                if error.code != "DEADLINE_EXCEEDED":  # a long watch outlives its calls
                    on_lost()
            time.sleep(min(FIRST_PAUSE_SECONDS * 2**failures, LONGEST_PAUSE_SECONDS))
            failures += 1

    def cancel(self, job_id: str, reason: str = "") -> Job:
        """Ask for a job's end; the returned job may still be running."""
        request = CancelJobRequest(job_id=job_id, reason=reason)
        return self._calls.unary(self._stub.CancelJob, request)

    def retry(self, job_id: str, request_id: str = "") -> Job:
        """Start a job that ended without success once more, as a new job.

        Args:
            job_id: The job to repeat; it stays as it is.
            request_id: UUID: the same id and job return the same new job. Default: a new one.
        """
        # Idempotent, for a call whose answer was lost is repeated.
        request = RetryJobRequest(job_id=job_id, request_id=request_id or str(uuid4()))
        return self._calls.unary(self._stub.RetryJob, request)

    def delete(self, job_id: str) -> Empty:
        """Remove a finished job with its journal; its model or artifact stays."""
        return self._calls.unary(self._stub.DeleteJob, DeleteJobRequest(job_id=job_id))


def _is_terminal(event: JobEvent) -> bool:
    return event.HasField("state_changed") and event.state_changed.to_state in TERMINAL_STATES
