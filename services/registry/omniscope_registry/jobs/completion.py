"""Completes a job: checks the package while no transaction is open, registers it in one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omniscope_service.errors import Aborted, InvalidArgument

if TYPE_CHECKING:
    from omniscope_registry.jobs.domain import Lease
    from omniscope_registry.jobs.ports import ModelRegistrar
    from omniscope_registry.jobs.sql.attempts import SqlAttemptStore


class Completion:
    """Turns a finished attempt into a model and a SUCCEEDED job."""

    def __init__(self, attempts: SqlAttemptStore, registrar: ModelRegistrar) -> None:
        self._attempts = attempts
        self._registrar = registrar

    async def complete(
        self, lease: Lease, package_key: str, manifest_digest: str, *, stopped_early: bool
    ) -> str:
        """Return the model's id; repeated by the winning attempt, the same one.

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
            model_id = await self._attempts.completed(lease)
            if model_id is None:
                raise
            return model_id

    async def _register(
        self, lease: Lease, package_key: str, manifest_digest: str, *, stopped_early: bool
    ) -> str:
        prefix = await self._attempts.artifacts_prefix(lease)
        if not package_key.startswith(f"{prefix}/"):
            raise InvalidArgument(
                f"package_key {package_key[:256]!r} is not below the attempt's prefix {prefix}/",
                reason="PACKAGE_KEY_INVALID",
                field="package_key",
            )
        package = await self._registrar.verify(package_key, manifest_digest)
        return await self._attempts.complete(
            lease, package, self._registrar, stopped_early=stopped_early
        )
