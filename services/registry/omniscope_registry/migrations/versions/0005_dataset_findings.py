"""Findings of an upload about a table beyond its columns' profiles."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    for name in ("constant_column_count", "duplicate_column_count"):
        op.add_column("datasets", sa.Column(name, sa.Integer, nullable=False, server_default="0"))
    op.add_column("datasets", sa.Column("warnings", _JSON, nullable=False, server_default="[]"))
