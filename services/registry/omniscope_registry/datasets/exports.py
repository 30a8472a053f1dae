"""Hands out datasets: their first rows at once, all of them as a file that is made for it."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from omniscope_registry.datasets.gated_child import DEFAULT_LIMITS, ChildLimits, run_gated
from omniscope_registry.datasets.ingest import STORED_FILE
from omniscope_registry.datasets.records import dataset_key, preview_key
from omniscope_service.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from omniscope_service.artifacts import ArtifactStore

_EXPORT_MODULE: Final = "omniscope_ml.datasets.export"
# A message stays below 256 KiB with the fields around the data.
_CHUNK_BYTES: Final = 252 * 1024
_CONCURRENT_EXPORTS: Final = 2
_DEFAULT_COLUMNS: Final = 50


class Exports:
    """Reads stored datasets.

    Args:
        artifacts: Where they are.
        folder: For files on their way; what an earlier process left there is removed.
        limits: What one conversion may use.
    """

    def __init__(
        self, artifacts: ArtifactStore, folder: Path, limits: ChildLimits = DEFAULT_LIMITS
    ) -> None:
        self._artifacts = artifacts
        self._folder = folder
        self._limits = limits
        self._slots = asyncio.Semaphore(_CONCURRENT_EXPORTS)
        shutil.rmtree(folder, ignore_errors=True)

    async def preview(self, digest: str, names: Sequence[str], rows: int) -> dict[str, list[Any]]:
        """Return the first values of some columns, by name.

        Args:
            digest: Of the stored bytes.
            names: The columns; empty: the first 50.
            rows: How many values at most.

        Raises:
            InvalidArgument: There is no such column; reason COLUMN_NOT_FOUND.
        """
        data = await self._artifacts.get_bytes(preview_key(digest))
        columns: dict[str, list[Any]] = await asyncio.to_thread(json.loads, data)
        chosen = names or list(columns)[:_DEFAULT_COLUMNS]
        for name in chosen:
            if name not in columns:
                raise InvalidArgument(
                    f"columns names {name[:128]!r}, which the dataset does not have.",
                    reason="COLUMN_NOT_FOUND",
                    field="columns",
                )
        return {name: columns[name][:rows] for name in chosen}

    async def file(self, digest: str, export_format: str) -> AsyncGenerator[bytes, None]:
        """Yield a dataset as a file, in chunks of at most 252 KiB.

        Raises:
            ResourceExhausted: The conversion takes more than the limits; reason
                DATASET_TOO_LARGE, or DISK_FULL.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="export-", dir=self._folder))
        try:
            target = await self._convert(digest, export_format, folder)
            with target.open("rb") as file:
                while chunk := await asyncio.to_thread(file.read, _CHUNK_BYTES):
                    yield chunk
        finally:
            # Not awaited: a cancelled download must leave nothing behind either.
            shutil.rmtree(folder, ignore_errors=True)

    async def _convert(self, digest: str, export_format: str, folder: Path) -> Path:
        source, target = folder / STORED_FILE, folder / f"export.{export_format}"
        arguments = ["--source", str(source), "--format", export_format, "--out", str(target)]
        async with self._slots:
            await self._artifacts.get_file(dataset_key(digest), source)
            await run_gated(_EXPORT_MODULE, source, arguments, folder, self._limits)
        source.unlink()
        return target
