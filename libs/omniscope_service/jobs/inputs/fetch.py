"""Fetches the inputs of a claimed job: datasets and model packages."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from omniscope_service.digests import sha256_of
from omniscope_service.errors import DataLoss
from omniscope_service.jobs.inputs.package import download_package
from omniscope_service.jobs.report import InputKind, JobInput

if TYPE_CHECKING:
    from pathlib import Path

    from omniscope.registry.v1.worker_service_pb2 import ClaimedInput, ClaimJobResponse
    from omniscope_service.artifacts import ArtifactStore
    from omniscope_service.jobs.inputs.cache import ContentCache


class InputFetcher:
    """Puts the inputs of claimed jobs where their children read them.

    Args:
        artifacts: Where they are stored.
        datasets: Cache of datasets, one file each.
        packages: Cache of model packages, one folder each.
    """

    def __init__(
        self, artifacts: ArtifactStore, datasets: ContentCache, packages: ContentCache
    ) -> None:
        self._artifacts = artifacts
        self._datasets = datasets
        self._packages = packages

    async def fetch(self, grant: ClaimJobResponse, folder: Path) -> tuple[JobInput, ...]:
        """Return all inputs in the job's order; what two of them have in common is fetched once.

        Args:
            grant: The claim.
            folder: Where they go; remove it after use.

        Raises:
            NotFound: The store has no such artifact.
            DataLoss: Its content is not what the digest says, reason DATASET_CORRUPT; those of
                `download_package`.
        """
        inputs = []
        for claimed in grant.inputs:
            kind: InputKind = "model" if claimed.HasField("model_id") else "dataset"
            path = folder / kind / claimed.digest
            if not path.exists():
                await self._fetch(claimed, path, grant.signing_public_key)
            inputs.append(JobInput(claimed.role, kind, getattr(claimed, f"{kind}_id"), path))
        return tuple(inputs)

    async def _fetch(self, claimed: ClaimedInput, path: Path, public_key: bytes) -> None:
        if claimed.HasField("model_id"):
            download = partial(download_package, self._artifacts, claimed, public_key)
            await self._packages.fetch(claimed.digest, path, download)
        else:
            await self._datasets.fetch(claimed.digest, path, partial(self._download, claimed))

    async def _download(self, claimed: ClaimedInput, path: Path) -> None:
        await self._artifacts.get_file(claimed.artifact_key, path)
        found = await sha256_of(path)
        if found != claimed.digest:
            raise DataLoss(
                f"The dataset {claimed.dataset_id} has the digest {found} and not "
                f"{claimed.digest}.",
                reason="DATASET_CORRUPT",
            )
