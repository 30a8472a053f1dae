"""Tells the registry how an attempt ended: with a stored package, or with a failure."""

from __future__ import annotations

import asyncio
import hashlib
from functools import partial
from typing import TYPE_CHECKING

import structlog

from omniscope.registry.v1.worker_service_pb2 import CompleteJobRequest, FailJobRequest
from omniscope_service import failpoints
from omniscope_service.errors import Aborted, ServiceError
from omniscope_service.jobs.endings import (
    Failed,
    Trained,
    ending_of_error,
    ending_without_manifest,
    how_it_failed,
)
from omniscope_service.jobs.persistence import until_answered

if TYPE_CHECKING:
    from pathlib import Path

    from omniscope.registry.v1.worker_service_pb2 import ClaimJobResponse
    from omniscope.registry.v1.worker_service_pb2_grpc import WorkerServiceAsyncStub
    from omniscope_service.artifacts import ArtifactStore

_COMPLETE_SECONDS = 120.0

_log = structlog.get_logger()


class Settlement:
    """Ends one attempt in the registry.

    Args:
        grant: The claim.
        registry: Stub of the registry.
        artifacts: Where packages go.
    """

    def __init__(
        self, grant: ClaimJobResponse, registry: WorkerServiceAsyncStub, artifacts: ArtifactStore
    ) -> None:
        self._grant = grant
        self._registry = registry
        self._artifacts = artifacts

    async def complete(self, trained: Trained, package: Path) -> Failed | None:
        """Store a package and complete the job; return why that was not possible."""
        key = f"{self._grant.artifacts_prefix.rstrip('/')}/package"
        try:
            digest = await asyncio.to_thread(_digest, package / "manifest.json")
            await self._artifacts.put_folder(key, package)
            await failpoints.reach("package.after_upload")
            await self._register(key, digest, trained)
            self._log_end("succeeded")
        except FileNotFoundError:
            return ending_without_manifest()
        except Aborted as error:
            _log.warning("model not taken", job_id=self._grant.lease.job_id, reason=error.reason)
            self._log_end("abandoned", error.reason)
        except (ServiceError, OSError) as error:
            return ending_of_error(error)
        return None

    async def fail(self, failed: Failed) -> None:
        """Tell the registry that the attempt ended without a model."""
        request = FailJobRequest(lease=self._grant.lease, cause=failed.cause, error=failed.error)
        try:
            await until_answered(lambda: self._registry.FailJob(request))
        except ServiceError as error:
            _log.warning("failure not taken", job_id=request.lease.job_id, reason=error.reason)
        self._log_end(how_it_failed(failed.cause), failed.error.reason)

    def abandon(self) -> None:
        """Note that the attempt is somebody else's by now: there is nothing to tell."""
        _log.warning("attempt abandoned", job_id=self._grant.lease.job_id)
        self._log_end("abandoned", "LEASE_LOST")

    async def _register(self, key: str, digest: str, trained: Trained) -> None:
        request = CompleteJobRequest(
            lease=self._grant.lease,
            package_key=key,
            manifest_digest=digest,
            stopped_early=trained.stopped_early,
        )
        # The registry reads and hashes the whole package.
        complete = partial(self._registry.CompleteJob, request, timeout=_COMPLETE_SECONDS)
        await until_answered(complete)

    def _log_end(self, state: str, reason: str | None = None) -> None:
        lease = self._grant.lease
        about = {} if reason is None else {"reason": reason}
        _log.info(
            "attempt ended", job_id=lease.job_id, attempt=lease.attempt, state=state, **about
        )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
