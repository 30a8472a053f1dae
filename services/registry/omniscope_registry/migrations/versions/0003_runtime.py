"""Deadlines, retries of ended jobs, checkpoints, and how far a journal was pruned."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_IDENTIFIER = sa.String(26)
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("training_jobs", sa.Column("retry_of", _IDENTIFIER))
    op.add_column("training_jobs", sa.Column("deadline_at", _TIME))
    op.add_column(
        "training_jobs",
        sa.Column("pruned_sequence", sa.Integer, nullable=False, server_default="0"),
    )
    _create_partial_index("deadline", "deadline_at", "deadline_at IS NOT NULL")
    _create_partial_index("active", "owner", "completed_at IS NULL")
    _create_job_checkpoints()


def _create_partial_index(name: str, column: str, condition: str) -> None:
    op.create_index(
        f"ix_training_jobs_{name}",
        "training_jobs",
        [column],
        sqlite_where=sa.text(condition),
        postgresql_where=sa.text(condition),
    )


def _create_job_checkpoints() -> None:
    op.create_table(
        "job_checkpoints",
        sa.Column("job_id", _IDENTIFIER, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("name", sa.String(256), nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("manifest_key", sa.String(512), nullable=False),
        sa.Column("manifest_digest", sa.String(64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("job_id", "attempt", "name", name=op.f("pk_job_checkpoints")),
        sa.ForeignKeyConstraint(
            ["job_id"], ["training_jobs.id"], name=op.f("fk_job_checkpoints_job_id_training_jobs")
        ),
    )
