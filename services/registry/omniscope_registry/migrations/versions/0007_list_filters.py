"""Indexes of the columns that lists are filtered by."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_FILTERED = {
    "training_jobs": (
        "status", "service", "model_type", "dataset_id", "experiment", "model_name",
    ),
    "ml_models": ("name", "type", "architecture", "problem_type", "dataset_id"),
}  # fmt: skip


def upgrade() -> None:
    for table, columns in _FILTERED.items():
        for column in columns:
            op.create_index(f"ix_{table}_owner_{column}_id", table, ["owner", column, "id"])
