"""The machine's copies of datasets, by content: a bounded cache that may be emptied any time."""

from __future__ import annotations

import asyncio
import hashlib
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from omniscope_service.errors import DataLoss

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from omniscope_service.artifacts import ArtifactStore

DEFAULT_CACHE_BYTES: Final = 20 * 2**30


class DatasetCache:
    """Gives every attempt a file of its own of the dataset that it reads, fetched once.

    The attempt's file and the cached one are links to the same data. The number of links says
    whether data is in use, by whichever worker of the machine, and a worker that dies releases
    it together with its folder: several workers share a cache without speaking to each other.
    Nothing is in the cache before it was verified.

    Args:
        artifacts: Where datasets are stored.
        folder: Where copies are kept, one file per digest; on the file system of the attempts.
        max_bytes: The least recently used files beyond this are removed, unless they are in use.
    """

    def __init__(
        self, artifacts: ArtifactStore, folder: Path, max_bytes: int = DEFAULT_CACHE_BYTES
    ) -> None:
        self._artifacts = artifacts
        self._folder = folder
        self._max_bytes = max_bytes

    async def fetch(self, key: str, digest: str, path: Path) -> Path:
        """Put a dataset's file, which must not be changed, at a path; remove it after use.

        Args:
            key: Of the dataset in the artifact store.
            digest: Its SHA-256. A copy is verified when it is made; the name stands for that
                afterwards.
            path: Where to put it, in the attempt's folder.

        Raises:
            NotFound: The store has no such artifact.
            DataLoss: Its content is not what the digest says (reason DATASET_CORRUPT).
        """
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        cached = self._folder / digest
        if not _link(cached, path):
            await self._artifacts.get_file(key, path)
            await asyncio.to_thread(_verify, path, digest)
            await asyncio.to_thread(self._keep, path, cached)
        return path

    def _keep(self, path: Path, cached: Path) -> None:
        path.chmod(0o400)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):  # another attempt has fetched it, too
            cached.hardlink_to(path)
        self._trim()

    def _trim(self) -> None:
        """Remove what was not used for longest, until the rest is small enough."""
        files = sorted(self._files(), key=lambda file: file[1].st_mtime_ns)
        excess = sum(stat.st_size for _, stat in files) - self._max_bytes
        for path, stat in files:
            # Data that an attempt takes up at this very moment stays its own.
            if excess > 0 and stat.st_nlink == 1:
                path.unlink(missing_ok=True)
                excess -= stat.st_size

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):  # another worker has removed it just now
                yield path, path.stat()


def _link(cached: Path, path: Path) -> bool:
    """Make a path another name of a cached file, and note its use; False when there is none."""
    try:
        path.hardlink_to(cached)
    except FileNotFoundError:
        return False
    os.utime(path)
    return True


def _verify(path: Path, digest: str) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != digest:
        raise DataLoss(
            f"The dataset has the digest {found} and not {digest}.", reason="DATASET_CORRUPT"
        )
