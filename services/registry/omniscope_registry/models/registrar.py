"""Turns the package of a finished attempt into a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf.any_pb2 import Any as AnyMessage

from omniscope.registry.v1.projection_service_pb2 import ModelRegistered, Projection
from omniscope_registry import outbox
from omniscope_registry.jobs.values import VerifiedPackage
from omniscope_registry.models.convert import held_out_metrics
from omniscope_registry.models.package import (
    PUBLIC_KEY,
    RESULTS,
    SIGNATURE,
    PackagedFile,
    corrupt,
    packaged_files,
    parse_manifest,
    parse_results,
    read_file,
    read_manifest,
    verify_files,
)
from omniscope_registry.models.store_sql import NewModel
from omniscope_registry.training_config import config_to_json, hyperparameters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from omniscope_registry.jobs.values import JobRow
    from omniscope_registry.models.signing import ManifestSigner
    from omniscope_registry.models.store_sql import SqlModelStore
    from omniscope_service.artifacts import ArtifactStore


class PackageRegistrar:
    """The `ModelRegistrar` of jobs: verifies, signs, registers.

    Args:
        store: Rows.
        artifacts: Packages.
        signer: Signs their manifests.
    """

    def __init__(
        self, store: SqlModelStore, artifacts: ArtifactStore, signer: ManifestSigner
    ) -> None:
        self._store = store
        self._artifacts = artifacts
        self._signer = signer

    async def verify(self, package_key: str, manifest_digest: str) -> VerifiedPackage:
        """Check every file of a package against its manifest, and sign the manifest.

        Idempotent. The signature and the public key join the package.

        Raises:
            DataLoss: A file is missing, differs or is not listed; reason PACKAGE_CORRUPT.
        """
        data = await read_manifest(self._artifacts, package_key, manifest_digest)
        manifest = parse_manifest(package_key, data)
        files = packaged_files(package_key, manifest)
        await verify_files(self._artifacts, package_key, files)
        results = parse_results(
            package_key, await read_file(self._artifacts, package_key, RESULTS)
        )
        _check_plots(package_key, results, files)
        await self._sign(package_key, data)
        size = len(data) + sum(file.size_bytes for file in files)
        return VerifiedPackage(package_key, manifest_digest, manifest, results, size)

    async def register(self, conn: AsyncConnection, package: VerifiedPackage, job: JobRow) -> str:
        """Insert the model, its event and its projection within the caller's transaction.

        Returns:
            The model's id.

        Raises:
            DataLoss: Another attempt made the package; reason PACKAGE_CORRUPT.
        """
        made_by = package.manifest["job_id"], package.manifest["attempt"]
        if made_by != (job.id, job.attempt):
            corrupt(package.key, f"attempt {made_by[1]} of job {made_by[0]} made it")
        model = await self._store.insert(conn, _new_model(package, job))
        registered = ModelRegistered(
            attempt=job.attempt,
            model=model,
            source=self._artifacts.url_of(package.key),
            settings=package.results.get("settings", {}),
        )
        projection = Projection(model_registered=registered)
        await outbox.add_projection(conn, job_id=job.id, payload=projection.SerializeToString())
        return model.model_id

    async def _sign(self, package_key: str, manifest: bytes) -> None:
        for path, data in (
            (SIGNATURE, self._signer.sign(manifest)),
            (PUBLIC_KEY, self._signer.public_key),
        ):
            await self._artifacts.put_bytes(f"{package_key}/{path}", data)


def _check_plots(key: str, results: Mapping[str, Any], files: Sequence[PackagedFile]) -> None:
    paths = {file.path for file in files}
    for plot in results.get("plots", ()):
        if plot.get("path") not in paths:
            corrupt(key, f"{RESULTS} names the plot {plot.get('path')!r}, which is no file of it")


def _new_model(package: VerifiedPackage, job: JobRow) -> NewModel:
    manifest: dict[str, Any] = dict(package.manifest)
    config = config_to_json(AnyMessage.FromString(job.config))
    results = dict(package.results)
    return NewModel(
        owner=job.owner,
        name=job.model_name,
        type=manifest["kind"],
        architecture=manifest["architecture"],
        problem_type=manifest["problem_type"],
        target_column=manifest["target_column"],
        classes=manifest["classes"],
        feature_count=len(manifest["features"]),
        hyperparameters=hyperparameters(config),
        training_config=config,
        metrics=held_out_metrics(results),
        results=results,
        artifacts_path=package.key,
        manifest_digest=package.manifest_digest,
        size_bytes=package.size_bytes,
        description=job.description,
        tags=dict(job.tags),
        job_id=job.id,
        dataset_id=job.dataset_id,
        created_by=job.owner,
    )
