"""Which attempts have nothing left in the artifact store that nobody needs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_CONDITION = "collected_at IS NULL"


def upgrade() -> None:
    op.add_column("job_attempts", sa.Column("collected_at", sa.DateTime(timezone=True)))
    op.create_index(
        "ix_job_attempts_uncollected",
        "job_attempts",
        ["job_id"],
        sqlite_where=sa.text(_CONDITION),
        postgresql_where=sa.text(_CONDITION),
    )
