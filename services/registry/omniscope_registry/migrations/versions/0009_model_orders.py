"""Indexes of the columns that lists of models are ordered by."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in ("updated_at", "size_bytes"):
        op.create_index(f"ix_ml_models_owner_{column}_id", "ml_models", ["owner", column, "id"])
