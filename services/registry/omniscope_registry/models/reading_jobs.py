"""Jobs that read a model and have not ended: they keep it from being deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omniscope_registry.jobs.sql.inputs import open_jobs_reading
from omniscope_registry.models.ports import JOB, ModelUse
from omniscope_registry.tables.jobs import job_inputs

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection


class ReadingJobs:
    """The `ModelUsers` of kind `job`."""

    async def uses_of(
        self, conn: AsyncConnection, owner: str, model_id: str, limit: int
    ) -> list[ModelUse]:
        """Return the jobs that read a model, oldest first."""
        jobs = await open_jobs_reading(conn, owner, job_inputs.c.model_id, model_id, limit)
        return [ModelUse(JOB, job_id) for job_id in jobs]
