"""JobIntakeService: takes jobs from the services that check their requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omniscope.registry.v1.job_intake_service_pb2_grpc import JobIntakeServiceServicer
from omniscope_registry.jobs.convert import checked_to_proto, job_to_proto
from omniscope_service.rpc.auth import current_caller

if TYPE_CHECKING:
    from omniscope.common.v1.job_pb2 import Job
    from omniscope.registry.v1.job_intake_service_pb2 import SubmitJobRequest
    from omniscope_registry.jobs.intake import JobIntake
    from omniscope_service.rpc.context import Context


class JobIntakeServicer(JobIntakeServiceServicer):
    """Stores jobs for the user that a service acts for."""

    def __init__(self, intake: JobIntake) -> None:
        self._intake = intake

    async def SubmitJob(self, request: SubmitJobRequest, context: Context) -> Job:
        """Store a job and have it hinted to the workers."""
        owner = current_caller().subject
        job = await self._intake.submit(owner, request)
        if job is None:
            return checked_to_proto(owner, request)
        return job_to_proto(job, with_config=True)
