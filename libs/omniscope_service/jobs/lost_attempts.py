"""Reports the attempts of workers that died here, so that nobody waits for their leases."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import TYPE_CHECKING

import structlog

from omniscope.common.v1.job_pb2 import JobError
from omniscope.registry.v1.worker_service_pb2 import FAILURE_CAUSE_INFRASTRUCTURE, FailJobRequest
from omniscope_service.errors import ServiceError
from omniscope_service.jobs import process_tree
from omniscope_service.jobs.breadcrumbs import Breadcrumbs
from omniscope_service.jobs.persistence import until_answered
from omniscope_service.jobs.work_folder import WorkFolder

if TYPE_CHECKING:
    from pathlib import Path

    from omniscope.registry.v1.worker_service_pb2_grpc import WorkerServiceAsyncStub
    from omniscope_service.jobs.breadcrumbs import Breadcrumb

# A training ends within a second of its worker.
_TRAINING_SECONDS = 5.0

_log = structlog.get_logger()


async def report_lost_attempts(registry: WorkerServiceAsyncStub, work: Path) -> None:
    """End the attempts of dead workers in the registry and remove what they left.

    What is not reported when this is cancelled is left to the next worker that starts.

    Args:
        registry: Stub of the registry.
        work: Folder of the workers' folders.
    """
    with ExitStack() as ours:
        left = WorkFolder.take_over(work)
        for folder in left:
            ours.callback(folder.let_go)
        for folder in left:
            for breadcrumb in Breadcrumbs(folder.path).read():
                await _report(registry, breadcrumb)
            await asyncio.to_thread(folder.remove)


async def _report(registry: WorkerServiceAsyncStub, breadcrumb: Breadcrumb) -> None:
    if breadcrumb.pid is not None:
        # The next attempt shall not share the machine with what is left of this one.
        await asyncio.to_thread(process_tree.wait_for_end, breadcrumb.pid, _TRAINING_SECONDS)
    request = FailJobRequest(
        lease=breadcrumb.lease,
        cause=FAILURE_CAUSE_INFRASTRUCTURE,
        error=JobError(
            code="UNAVAILABLE", reason="WORKER_LOST", message="The worker process ended."
        ),
    )
    about = {"job_id": breadcrumb.job_id, "attempt": breadcrumb.attempt}
    try:
        await until_answered(lambda: registry.FailJob(request))
    except ServiceError as error:
        # Most often it had ended before its worker did: then it is not ours to end.
        _log.info("lost attempt not taken", reason=error.reason, **about)
    else:
        _log.warning("lost attempt reported", **about)
