"""The worker's copies of datasets, by content: a cache that may be emptied at any time."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING

from ulid import ULID

from omniscope_service.errors import DataLoss

if TYPE_CHECKING:
    from pathlib import Path

    from omniscope_service.artifacts import ArtifactStore


class DatasetCache:
    """Fetches datasets once and hands out local paths.

    Args:
        artifacts: Where datasets are stored.
        folder: Where copies are kept, one file per digest.
    """

    def __init__(self, artifacts: ArtifactStore, folder: Path) -> None:
        self._artifacts = artifacts
        self._folder = folder

    async def fetch(self, key: str, digest: str) -> Path:
        """Return the path of a dataset's file, which must not be changed.

        A copy is verified when it is made; its name vouches for it afterwards.

        Raises:
            NotFound: The store has no such artifact.
            DataLoss: Its content is not what the digest says (reason DATASET_CORRUPT).
        """
        path = self._folder / digest
        if not path.exists():
            part = self._folder / f".{digest}-{ULID()}"
            try:
                await self._artifacts.get_file(key, part)
                await asyncio.to_thread(_publish, part, path, digest)
            finally:
                part.unlink(missing_ok=True)
        return path


def _publish(part: Path, path: Path, digest: str) -> None:
    with part.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != digest:
        raise DataLoss(
            f"The dataset has the digest {found} and not {digest}.", reason="DATASET_CORRUPT"
        )
    part.chmod(0o400)
    part.replace(path)
