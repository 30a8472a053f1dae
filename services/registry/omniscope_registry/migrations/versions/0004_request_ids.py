"""Indexes that find request ids that have expired."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_CONDITION = "request_id IS NOT NULL"


def upgrade() -> None:
    for table in ("training_jobs", "datasets"):
        op.create_index(
            f"ix_{table}_request",
            table,
            ["created_at"],
            sqlite_where=sa.text(_CONDITION),
            postgresql_where=sa.text(_CONDITION),
        )
