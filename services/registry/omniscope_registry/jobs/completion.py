"""Completes a job: checks the package while no transaction is open, registers it in one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omniscope_service.errors import Aborted, InvalidArgument

if TYPE_CHECKING:
    from omniscope_registry.jobs.domain import Lease
    from omniscope_registry.jobs.ports import ResultRegistrar
    from omniscope_registry.jobs.sql.attempts import SqlAttemptStore
    from omniscope_registry.jobs.values import JobResult


class Completion:
    """Turns a finished attempt into what its job makes, and the job into a SUCCEEDED one.

    Args:
        attempts: Keeps and ends leases.
        models: For jobs that make a model.
        artifacts: For jobs that make an artifact.
    """

    def __init__(
        self, attempts: SqlAttemptStore, models: ResultRegistrar, artifacts: ResultRegistrar
    ) -> None:
        self._attempts = attempts
        self._models = models
        self._artifacts = artifacts

    async def complete(
        self, lease: Lease, package_key: str, manifest_digest: str, *, stopped_early: bool
    ) -> JobResult:
        """Return the result; repeated by the winning attempt, the same one.

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
    ) -> JobResult:
        attempt = await self._attempts.running(lease)
        prefix = attempt.artifacts_prefix
        if not package_key.startswith(f"{prefix}/"):
            raise InvalidArgument(
                f"package_key {package_key[:256]!r} is not below the attempt's prefix {prefix}/",
                reason="PACKAGE_KEY_INVALID",
                field="package_key",
            )
        registrar = self._artifacts if attempt.artifact_kind else self._models
        package = await registrar.verify(package_key, manifest_digest)
        return await self._attempts.complete(
            lease, package, registrar, stopped_early=stopped_early
        )
