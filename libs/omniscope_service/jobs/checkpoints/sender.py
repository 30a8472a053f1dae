"""Takes an attempt's checkpoints to the artifact store and makes them known to the registry."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from omniscope.registry.v1.worker_service_pb2 import RegisterCheckpointRequest, StoredCheckpoint
from omniscope_service import failpoints
from omniscope_service.errors import Aborted, ServiceError
from omniscope_service.jobs.checkpoints.manifest import (
    FILES_FOLDER,
    CheckpointError,
    CheckpointManifest,
)
from omniscope_service.jobs.retry import retry_until_answered
from omniscope_service.jobs.stop import StopCause, StopSignal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from omniscope.registry.v1.worker_service_pb2 import ClaimJobResponse
    from omniscope.registry.v1.worker_service_pb2_grpc import WorkerServiceAsyncStub
    from omniscope_service.artifacts import ArtifactStore

_log = structlog.get_logger()


class CheckpointSender:
    """Stores checkpoints while the training goes on: always the newest, passing over others.

    A checkpoint that cannot be stored costs the next attempt some work and this one nothing.

    Args:
        registry: Stub of the registry.
        artifacts: Where checkpoints are stored.
        grant: The claim.
        folder: Where the child writes them.
        stop: Raised when the lease is lost.
    """

    def __init__(
        self,
        registry: WorkerServiceAsyncStub,
        artifacts: ArtifactStore,
        grant: ClaimJobResponse,
        folder: Path,
        stop: StopSignal,
    ) -> None:
        self._registry = registry
        self._artifacts = artifacts
        self._lease = grant.lease
        self._prefix = f"{grant.artifacts_prefix.rstrip('/')}/checkpoints"
        self._folder = folder
        self._stop = stop
        self._newest: str | None = None
        self._changed = asyncio.Condition()
        self._kept: dict[str, CheckpointManifest] = {}

    async def put(self, name: str) -> None:
        """Take the name of a checkpoint that the child has written."""
        async with self._changed:
            self._newest = name
            self._changed.notify_all()

    async def send(self) -> None:
        """Store what was put, until cancelled or the lease is lost."""
        while self._stop.cause is not StopCause.LEASE_LOST:
            async with self._changed:
                await self._changed.wait_for(lambda: self._newest is not None)
                name = self._newest
            assert name is not None
            await self._store(name)
            async with self._changed:
                if self._newest == name:
                    self._newest = None
                self._changed.notify_all()

    async def drain(self, timeout_seconds: float) -> None:
        """Wait until the newest is stored, the lease is lost or the time is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds), self._changed:
                await self._changed.wait_for(lambda: self._newest is None)

    async def _store(self, name: str) -> None:
        try:
            data = await asyncio.to_thread((self._folder / f"{name}.json").read_bytes)
            manifest = CheckpointManifest.from_json(data)
            await self._upload(manifest, data)
            await failpoints.reach("checkpoint.before_register")
            await self._register(manifest, data)
        except Aborted:
            self._stop.request(StopCause.LEASE_LOST)
        except (ServiceError, OSError, CheckpointError) as error:
            _log.warning(
                "checkpoint not stored", job_id=self._lease.job_id, name=name, error=str(error)
            )

    async def _upload(self, manifest: CheckpointManifest, data: bytes) -> None:
        """Store the files that are not stored yet, and after them the manifest."""
        stored = self._stored()
        for digest in sorted(manifest.digests - stored):
            path = self._folder / FILES_FOLDER / digest
            await self._artifacts.put_file(f"{self._prefix}/{FILES_FOLDER}/{digest}", path)
        await self._artifacts.put_bytes(self._key(manifest), data)

    async def _register(self, manifest: CheckpointManifest, data: bytes) -> None:
        checkpoint = StoredCheckpoint(
            attempt=self._lease.attempt,
            name=manifest.name,
            step=manifest.step,
            manifest_key=self._key(manifest),
            manifest_digest=hashlib.sha256(data).hexdigest(),
            size_bytes=manifest.size_bytes,
        )
        request = RegisterCheckpointRequest(lease=self._lease, checkpoint=checkpoint)
        answer = await retry_until_answered(lambda: self._registry.RegisterCheckpoint(request))
        self._kept[self._key(manifest)] = manifest
        await asyncio.to_thread(self._remove_local, manifest)
        await self._remove_superseded(answer.superseded_manifest_keys)

    async def _remove_superseded(self, manifest_keys: Iterable[str]) -> None:
        """Remove what no checkpoint of this attempt needs any longer; others' are not ours."""
        dropped = [self._kept.pop(key) for key in manifest_keys if key in self._kept]
        unneeded = frozenset().union(*(old.digests for old in dropped)) - self._stored()
        files = [f"{self._prefix}/{FILES_FOLDER}/{digest}" for digest in unneeded]
        try:
            await self._artifacts.delete([*map(self._key, dropped), *files])
        except ServiceError as error:
            # The registry removes it when the job has ended.
            _log.info("superseded checkpoint not removed", reason=error.reason)

    def _remove_local(self, stored: CheckpointManifest) -> None:
        """Remove it and what was passed over for it; a newer checkpoint keeps its files."""
        unneeded: set[str] = set()
        needed: set[str] = set()
        for path in self._folder.glob("[!.]*.json"):
            digests = CheckpointManifest.from_json(path.read_bytes()).digests
            if path.stem > stored.name:
                needed |= digests
            else:
                unneeded |= digests
                path.unlink()
        for digest in unneeded - needed:
            (self._folder / FILES_FOLDER / digest).unlink(missing_ok=True)

    def _stored(self) -> frozenset[str]:
        return frozenset().union(*(kept.digests for kept in self._kept.values()))

    def _key(self, manifest: CheckpointManifest) -> str:
        return f"{self._prefix}/{manifest.name}.json"
