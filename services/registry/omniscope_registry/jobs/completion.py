"""Completes a job: waits for its package's verification, then registers it in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omniscope_service.errors import Aborted, InvalidArgument

if TYPE_CHECKING:
    from omniscope_registry.jobs.domain import Lease
    from omniscope_registry.jobs.ports import ResultRegistrar
    from omniscope_registry.jobs.sql.attempts import SqlAttemptStore
    from omniscope_registry.jobs.values import JobResult
    from omniscope_registry.jobs.verifications import PackageVerifications

_PATIENCE_SECONDS = 10.0


class Completion:
    """Turns a finished attempt into what its job makes, and the job into a SUCCEEDED one.

    Args:
        attempts: Keeps and ends leases.
        models: For jobs that make a model.
        artifacts: For jobs that make an artifact.
        verifications: Verify packages.
        patience_seconds: How long one call waits for a verification.
    """

    def __init__(
        self,
        attempts: SqlAttemptStore,
        models: ResultRegistrar,
        artifacts: ResultRegistrar,
        verifications: PackageVerifications,
        patience_seconds: float = _PATIENCE_SECONDS,
    ) -> None:
        self._attempts = attempts
        self._models = models
        self._artifacts = artifacts
        self._verifications = verifications
        self._patience_seconds = patience_seconds

    async def complete(
        self, lease: Lease, package_key: str, manifest_digest: str, *, stopped_early: bool
    ) -> JobResult | None:
        """Return the result; repeated by the winning attempt, the same one.

        None while the package is still being verified: call again.

        Raises:
            Aborted: The lease no longer holds; reason STALE_ATTEMPT.
            InvalidArgument: The package lies elsewhere; reason PACKAGE_KEY_INVALID.
            DataLoss: The package does not match its manifest; reason PACKAGE_CORRUPT.
        """
        try:
            return await self._register(
                lease, package_key, manifest_digest, stopped_early=stopped_early
            )
        except Aborted:
            # Looked up last: the same call, sent twice, may have completed the job meanwhile.
            result = await self._attempts.completed(lease)
            if result is None:
                raise
            return result

    async def _register(
        self, lease: Lease, package_key: str, manifest_digest: str, *, stopped_early: bool
    ) -> JobResult | None:
        attempt = await self._attempts.running(lease)
        prefix = attempt.artifacts_prefix
        if not package_key.startswith(f"{prefix}/"):
            raise InvalidArgument(
                f"package_key {package_key[:256]!r} is not below the attempt's prefix {prefix}/",
                reason="PACKAGE_KEY_INVALID",
                field="package_key",
            )
        registrar = self._artifacts if attempt.artifact_kind else self._models
        package = await self._verifications.wait(
            registrar, package_key, manifest_digest, self._patience_seconds
        )
        if package is None:
            return None
        result = await self._attempts.complete(
            lease, package, registrar, stopped_early=stopped_early
        )
        self._verifications.forget(package_key, manifest_digest)
        return result
