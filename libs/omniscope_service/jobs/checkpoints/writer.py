"""Writes checkpoints on the child's disk, each of them as a whole or not at all."""

from __future__ import annotations

import hashlib
import os
import time
from typing import TYPE_CHECKING, BinaryIO

from omniscope_service.jobs.checkpoints.manifest import (
    FILES_FOLDER,
    CheckpointManifest,
    StoredFile,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_BLOCK_BYTES = 1024 * 1024
# A file system's clock ticks every few milliseconds: a file this young may be written once more
# and show neither another size nor another time.
_YOUNG_NS = 20_000_000
_Identity = tuple[str, int, int]


class CheckpointWriter:
    """Copies files into a folder that the worker reads.

    A file that has neither another size nor another time than at the last checkpoint is not read
    again.

    Args:
        folder: Where the checkpoints go; made with the first one.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = folder / FILES_FOLDER
        self._known: dict[_Identity, StoredFile] = {}
        self._count = 0

    def write(self, files: Mapping[str, Path], step: int) -> CheckpointManifest:
        """Store files as the next checkpoint; safe on disk when this returns.

        Args:
            files: What to store, by its path within the checkpoint; nothing changes it meanwhile.
            step: Step of the training, from 0.

        Raises:
            OSError: The disk is full, or a file is missing. Earlier checkpoints are as they were.
        """
        self._files.mkdir(parents=True, exist_ok=True)
        known: dict[_Identity, StoredFile] = {}
        stored: dict[str, StoredFile] = {}
        for name, path in files.items():
            identity = _identity(path)
            stored[name] = self._known.get(identity) or self._store(path)
            if _is_settled(identity):
                known[identity] = stored[name]
        manifest = CheckpointManifest(f"{self._count + 1:06d}", step, stored)
        self._publish(f"{manifest.name}.json", manifest.to_json())
        self._known, self._count = known, self._count + 1
        return manifest

    def _store(self, path: Path) -> StoredFile:
        """Copy a file under the hash of what was copied."""
        part = self._files / ".part"
        digest = hashlib.sha256()
        try:
            with path.open("rb") as source, part.open("wb") as target:
                while block := source.read(_BLOCK_BYTES):
                    digest.update(block)
                    target.write(block)
                _flush(target)
                size = target.tell()
            part.replace(self._files / digest.hexdigest())
        finally:
            part.unlink(missing_ok=True)
        return StoredFile(digest.hexdigest(), size)

    def _publish(self, name: str, data: bytes) -> None:
        part = self._folder / f".{name}"
        with part.open("wb") as target:
            target.write(data)
            _flush(target)
        part.replace(self._folder / name)


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _identity(path: Path) -> _Identity:
    status = path.stat()
    return str(path), status.st_size, status.st_mtime_ns


def _is_settled(identity: _Identity) -> bool:
    _path, _size, changed_ns = identity
    return time.time_ns() - changed_ns > _YOUNG_NS
