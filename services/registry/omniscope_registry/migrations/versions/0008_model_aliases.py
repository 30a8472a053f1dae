"""Aliases of models, and which deleted models have been purged."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_IDENTIFIER = sa.String(26)
_TIME = sa.DateTime(timezone=True)
_UNPURGED = "deleted_at IS NOT NULL AND purged_at IS NULL"


def upgrade() -> None:
    with op.batch_alter_table("ml_models") as models:
        models.add_column(sa.Column("purged_at", _TIME))
        models.create_check_constraint(
            op.f("ck_ml_models_purged"), "purged_at IS NULL OR deleted_at IS NOT NULL"
        )
    op.create_index(
        "ix_ml_models_unpurged",
        "ml_models",
        ["deleted_at"],
        sqlite_where=sa.text(_UNPURGED),
        postgresql_where=sa.text(_UNPURGED),
    )
    _create_model_aliases()


def _create_model_aliases() -> None:
    op.create_table(
        "model_aliases",
        sa.Column("owner", sa.String(256), nullable=False),
        sa.Column("name", sa.String(256), nullable=False),
        sa.Column("alias", sa.String(63), nullable=False),
        sa.Column("model_id", _IDENTIFIER, nullable=False),
        sa.Column("etag", _IDENTIFIER, nullable=False),
        sa.Column("updated_by", sa.String(256), nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("owner", "name", "alias", name=op.f("pk_model_aliases")),
        sa.ForeignKeyConstraint(
            ["model_id"], ["ml_models.id"], name=op.f("fk_model_aliases_model_id_ml_models")
        ),
    )
    op.create_index("ix_model_aliases_model_id", "model_aliases", ["model_id"])
