"""Removes deleted models for good once they can no longer be brought back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import structlog
from sqlalchemy import select, update

from omniscope_registry.models import projections
from omniscope_registry.periodic import repeat
from omniscope_registry.tables.models import ml_models

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Row

    from omniscope_registry.database import Database
    from omniscope_service.artifacts import ArtifactStore

_PAUSE: Final = timedelta(minutes=5)
# Longer than any transaction: one that brings a model back at the last moment has ended by then.
_MARGIN: Final = timedelta(minutes=1)
_BATCH: Final = 100
_MODELS = ml_models.c
_CLEARED: Final = {
    "classes": [],
    "hyperparameters": {},
    "training_config": {},
    "metrics": {},
    "results": {},
    "description": "",
    "tags": {},
}
_log = structlog.get_logger(__name__)


class ModelPurger:
    """Removes packages, and what rows told of them; the bare row keeps name and version taken.

    Every step may be repeated, and done by several registries at the same time.

    Args:
        database: Where the models are.
        artifacts: Where their packages are.
        kept: How long a deleted model can be brought back.
    """

    def __init__(self, database: Database, artifacts: ArtifactStore, kept: timedelta) -> None:
        self._database = database
        self._artifacts = artifacts
        self._kept = kept

    async def run(self) -> None:
        """Purge until cancelled."""
        await repeat(self.purge, _PAUSE)

    async def purge(self) -> int:
        """Purge what is due; return how many models that were, at most 100.

        Raises:
            Unavailable: The artifact store failed; what was not purged comes again.
        """
        due = await self._due()
        for model in due:
            await self._artifacts.delete_prefix(model.artifacts_path)
            await self._clear(model.id)
        if due:
            _log.info("models purged", count=len(due))
        return len(due)

    async def _due(self) -> Sequence[Row[Any]]:
        query = (
            select(_MODELS.id, _MODELS.artifacts_path)
            .where(
                _MODELS.deleted_at.is_not(None),
                _MODELS.purged_at.is_(None),
                _MODELS.deleted_at < self._database.now(-self._kept - _MARGIN),
            )
            .order_by(_MODELS.deleted_at)
            .limit(_BATCH)
        )
        async with self._database.read() as conn:
            return (await conn.execute(query)).all()

    async def _clear(self, model_id: str) -> None:
        statement = update(ml_models).where(
            _MODELS.id == model_id, _MODELS.deleted_at.is_not(None), _MODELS.purged_at.is_(None)
        )
        async with self._database.write() as conn:
            cleared = statement.values(**_CLEARED, purged_at=self._database.now())
            if (await conn.execute(cleared)).rowcount:
                await projections.purged(conn, model_id)
