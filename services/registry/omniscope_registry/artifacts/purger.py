"""The purger of artifacts that were deleted long ago: it removes their packages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omniscope_registry.artifacts import projections
from omniscope_registry.packages.purger import PackagePurger, Purgeable
from omniscope_registry.tables.artifacts import job_artifacts

if TYPE_CHECKING:
    from datetime import timedelta

    from omniscope_registry.database import Database
    from omniscope_service.artifacts import ArtifactStore


def artifact_purger(
    database: Database, artifacts: ArtifactStore, kept: timedelta
) -> PackagePurger:
    """Return what purges artifacts."""
    return PackagePurger(database, artifacts, kept, Purgeable(job_artifacts, projections.purged))
