"""Indexes of what lists have: deleted rows stay for ever, and nothing should walk over them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_KEYS = {
    "training_jobs": "id",
    "datasets": "id",
    "ml_models": "id",
    "job_artifacts": "job_id",
}
_LISTED = "deleted_at IS NULL"


def upgrade() -> None:
    for table, key in _KEYS.items():
        op.create_index(
            f"ix_{table}_listed",
            table,
            ["owner", key],
            sqlite_where=sa.text(_LISTED),
            postgresql_where=sa.text(_LISTED),
        )
