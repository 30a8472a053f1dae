"""Fetches the newest checkpoint that verifies, for an attempt that goes on from it."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from omniscope_service.digests import sha256_of
from omniscope_service.errors import DataLoss, InvalidArgument, NotFound
from omniscope_service.jobs.checkpoints.manifest import (
    FILES_FOLDER,
    CheckpointError,
    CheckpointManifest,
    StoredFile,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from omniscope.registry.v1.worker_service_pb2 import StoredCheckpoint
    from omniscope_service.artifacts import ArtifactStore

# What makes a checkpoint useless; a store that does not answer is waited for instead.
_USELESS = (NotFound, DataLoss, InvalidArgument, CheckpointError)

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Resumed:
    """A fetched checkpoint.

    Attributes:
        folder: Its files under their paths.
        attempt: Attempt that stored it.
        step: Step of the training that it was taken at.
    """

    folder: Path
    attempt: int
    step: int


async def fetch_newest(
    artifacts: ArtifactStore, checkpoints: Iterable[StoredCheckpoint], folder: Path
) -> Resumed | None:
    """Return the first checkpoint that verifies, or None: the training starts over.

    Args:
        artifacts: Where they are stored.
        checkpoints: Newest first, as the registry lists them.
        folder: Where its files go; made here.

    Raises:
        Unavailable: The store does not answer.
    """
    for stored in checkpoints:
        try:
            await _fetch(artifacts, stored, folder)
        except _USELESS as error:
            _log.warning(
                "checkpoint passed over", key=stored.manifest_key, reason=str(error)[:500]
            )
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        else:
            return Resumed(folder, stored.attempt, stored.step)
    return None


async def _fetch(artifacts: ArtifactStore, stored: StoredCheckpoint, folder: Path) -> None:
    data = await artifacts.get_bytes(stored.manifest_key)
    _require(hashlib.sha256(data).hexdigest(), stored.manifest_digest, stored.manifest_key)
    manifest = CheckpointManifest.from_json(data)
    prefix = stored.manifest_key.rpartition("/")[0]
    for path, file in manifest.files.items():
        await _fetch_file(artifacts, f"{prefix}/{FILES_FOLDER}/{file.sha256}", file, folder / path)


async def _fetch_file(
    artifacts: ArtifactStore, key: str, expected: StoredFile, path: Path
) -> None:
    await artifacts.get_file(key, path)
    _require(await sha256_of(path), expected.sha256, key)


def _require(found: str, expected: str, key: str) -> None:
    if found != expected:
        raise DataLoss(
            f"{key} has the digest {found} and not {expected}.", reason="CHECKPOINT_CORRUPT"
        )
