"""The purger of models: the row stays, so that a name and version never mean two things."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from omniscope_registry.models import projections
from omniscope_registry.packages.purger import PackagePurger, Purgeable
from omniscope_registry.tables.models import ml_models

if TYPE_CHECKING:
    from datetime import timedelta

    from omniscope_registry.database import Database
    from omniscope_service.artifacts import ArtifactStore

_CLEARED: Final = {
    "classes": [],
    "hyperparameters": {},
    "training_config": {},
    "metrics": {},
    "results": {},
    "description": "",
    "tags": {},
}


def model_purger(database: Database, artifacts: ArtifactStore, kept: timedelta) -> PackagePurger:
    """Return what purges models."""
    models = Purgeable(ml_models, projections.purged, _CLEARED)
    return PackagePurger(database, artifacts, kept, models)
