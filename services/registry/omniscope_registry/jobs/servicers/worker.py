"""WorkerService: what workers call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omniscope.registry.v1 import worker_service_pb2 as messages
from omniscope.registry.v1.worker_service_pb2_grpc import WorkerServiceServicer
from omniscope_registry.jobs.checking import (
    announcement_from_proto,
    checkpoint_from_proto,
    claim_from_proto,
    failure_from_proto,
    lease_from_proto,
    reports_from_proto,
)
from omniscope_registry.jobs.convert import (
    directives_to_proto,
    duration_to_proto,
    grant_to_proto,
    state_to_proto,
)

if TYPE_CHECKING:
    from omniscope_registry.jobs.completion import Completion
    from omniscope_registry.jobs.domain import JobTimes
    from omniscope_registry.jobs.intake import ColumnLists
    from omniscope_registry.jobs.sql.attempts import SqlAttemptStore
    from omniscope_registry.jobs.sql.checkpoints import SqlCheckpointStore
    from omniscope_registry.jobs.sql.claims import SqlClaims
    from omniscope_registry.jobs.sql.reports import SqlReportStore
    from omniscope_registry.jobs.sql.workers import SqlWorkerStore
    from omniscope_service.rpc.context import Context


class WorkerServicer(WorkerServiceServicer):
    """Serves workers; each call about a job proves the right to make it.

    Args:
        workers: Who is there.
        claims: Grants leases.
        attempts: Keeps and ends leases.
        reports: Stores events.
        checkpoints: Remembers what a later attempt can resume from.
        completion: Registers results.
        column_lists: Long lists that were put away at submission.
        times: How long leases last.
        signing_public_key: What packages are verified with, as PEM.
    """

    def __init__(
        self,
        workers: SqlWorkerStore,
        claims: SqlClaims,
        attempts: SqlAttemptStore,
        reports: SqlReportStore,
        checkpoints: SqlCheckpointStore,
        completion: Completion,
        column_lists: ColumnLists,
        times: JobTimes,
        signing_public_key: bytes,
    ) -> None:
        self._workers = workers
        self._claims = claims
        self._attempts = attempts
        self._reports = reports
        self._checkpoints = checkpoints
        self._completion = completion
        self._column_lists = column_lists
        self._times = times
        self._signing_public_key = signing_public_key

    async def AnnounceWorker(
        self, request: messages.AnnounceWorkerRequest, context: Context
    ) -> messages.AnnounceWorkerResponse:
        """Note that a worker is there."""
        await self._workers.announce(announcement_from_proto(request))
        return messages.AnnounceWorkerResponse(
            heartbeat_interval=duration_to_proto(self._times.heartbeat)
        )

    async def ClaimJob(
        self, request: messages.ClaimJobRequest, context: Context
    ) -> messages.ClaimJobResponse:
        """Take the next job, if there is one."""
        grant = await self._claims.claim(claim_from_proto(request))
        if grant is None:
            return messages.ClaimJobResponse()
        column_lists = await self._column_lists.get(grant.job.column_lists)
        return grant_to_proto(grant, column_lists, self._times, self._signing_public_key)

    async def Heartbeat(
        self, request: messages.HeartbeatRequest, context: Context
    ) -> messages.HeartbeatResponse:
        """Extend a lease."""
        directives = await self._attempts.heartbeat(lease_from_proto(request.lease))
        return directives_to_proto(directives, self._times)

    async def ReportEvents(
        self, request: messages.ReportEventsRequest, context: Context
    ) -> messages.ReportEventsResponse:
        """Append events to a job's journal."""
        reports = reports_from_proto(request)
        stored = await self._reports.report(lease_from_proto(request.lease), reports)
        return messages.ReportEventsResponse(acknowledged_sequence=stored)

    async def RegisterCheckpoint(
        self, request: messages.RegisterCheckpointRequest, context: Context
    ) -> messages.RegisterCheckpointResponse:
        """Make a stored checkpoint known."""
        lease = lease_from_proto(request.lease)
        attempt = await self._attempts.running(lease)
        checkpoint = checkpoint_from_proto(request, attempt.artifacts_prefix)
        superseded = await self._checkpoints.register(lease, checkpoint)
        return messages.RegisterCheckpointResponse(superseded_manifest_keys=superseded)

    async def CompleteJob(
        self, request: messages.CompleteJobRequest, context: Context
    ) -> messages.CompleteJobResponse:
        """End an attempt with what its job makes."""
        result = await self._completion.complete(
            lease_from_proto(request.lease),
            request.package_key,
            request.manifest_digest,
            stopped_early=request.stopped_early,
        )
        if result is None:
            return messages.CompleteJobResponse(verifying=True)
        return messages.CompleteJobResponse(**result._asdict())

    async def FailJob(
        self, request: messages.FailJobRequest, context: Context
    ) -> messages.FailJobResponse:
        """End an attempt without a result."""
        failure = failure_from_proto(request)
        state = await self._attempts.fail(lease_from_proto(request.lease), failure)
        return messages.FailJobResponse(state=state_to_proto(state))
