"""Turns the package of a finished attempt into a model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.any_pb2 import Any as AnyMessage

from omniscope.registry.v1.projection_service_pb2 import ModelRegistered, Projection
from omniscope_registry import outbox
from omniscope_registry.jobs.values import InputKind, JobResult
from omniscope_registry.models.convert import held_out_metrics
from omniscope_registry.models.results import read_results
from omniscope_registry.models.store_sql import NewModel
from omniscope_registry.packages.verifier import require_made_by
from omniscope_registry.training_config import config_to_json, hyperparameters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.ext.asyncio import AsyncConnection

    from omniscope_registry.jobs.values import JobRow, VerifiedPackage
    from omniscope_registry.models.store_sql import SqlModelStore
    from omniscope_registry.packages.verifier import PackageVerifier
    from omniscope_service.artifacts import ArtifactStore


_FIELDS: Final[Mapping[str, type]] = {
    "architecture": str,
    "problem_type": str,
    "target_column": str,
    "classes": list,
    "features": list,
}
_TRAINING: Final = "training"
"""Role of the dataset that a model is known to be trained on."""


class ModelRegistrar:
    """The `ResultRegistrar` of jobs that make a model.

    Args:
        store: Rows.
        artifacts: Packages.
        verifier: Checks and signs them.
    """

    def __init__(
        self, store: SqlModelStore, artifacts: ArtifactStore, verifier: PackageVerifier
    ) -> None:
        self._store = store
        self._artifacts = artifacts
        self._verifier = verifier

    async def verify(self, package_key: str, manifest_digest: str) -> VerifiedPackage:
        """Check every file of a package against its manifest, and sign the manifest.

        Idempotent. The signature and the public key join the package.

        Raises:
            DataLoss: A file is missing, differs or is not listed; reason PACKAGE_CORRUPT.
        """
        package = await self._verifier.verify(package_key, manifest_digest, _FIELDS)
        results = await read_results(self._artifacts, package)
        await self._verifier.sign(package)
        return replace(package, results=results)

    async def register(
        self, conn: AsyncConnection, package: VerifiedPackage, job: JobRow
    ) -> JobResult:
        """Insert the model, its event and its projection within the caller's transaction.

        Raises:
            DataLoss: Another attempt made the package; reason PACKAGE_CORRUPT.
        """
        require_made_by(package, job)
        model = await self._store.insert(conn, _new_model(package, job))
        registered = ModelRegistered(
            attempt=job.attempt,
            model=model,
            source=self._artifacts.url_of(package.key),
            settings=package.results.get("settings", {}),
        )
        projection = Projection(model_registered=registered)
        await outbox.add_projection(conn, job_id=job.id, payload=projection.SerializeToString())
        return JobResult(model_id=model.model_id)


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
        dataset_id=_trained_on(job),
        created_by=job.owner,
    )


def _trained_on(job: JobRow) -> str | None:
    datasets = (each for each in job.inputs if each.kind is InputKind.DATASET)
    return next((each.id for each in datasets if each.role == _TRAINING), None)
