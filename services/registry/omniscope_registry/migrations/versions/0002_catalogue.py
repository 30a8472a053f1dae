"""Datasets, their columns, and models."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_IDENTIFIER = sa.String(26)
_DIGEST = sa.String(64)
_JSON = sa.JSON().with_variant(JSONB(), "postgresql")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_datasets()
    _create_dataset_columns()
    _create_ml_models()


def _create_datasets() -> None:
    op.create_table(
        "datasets",
        sa.Column("id", _IDENTIFIER, nullable=False),
        sa.Column("owner", sa.String(256), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("description", sa.String, nullable=False),
        sa.Column("source_format", sa.String(16), nullable=False),
        sa.Column("source_digest", _DIGEST, nullable=False),
        sa.Column("digest", _DIGEST, nullable=False),
        sa.Column("row_count", sa.Integer, nullable=False),
        sa.Column("column_count", sa.Integer, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("missing_count", sa.BigInteger, nullable=False),
        sa.Column("column_types", _JSON, nullable=False),
        sa.Column("likely_key_columns", _JSON, nullable=False),
        sa.Column("request_id", sa.String(64)),
        sa.Column("request_hash", _DIGEST),
        sa.Column("created_by", sa.String(256), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("deleted_at", _TIME),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_datasets")),
        sa.UniqueConstraint(
            "owner", "name", "version", name=op.f("uq_datasets_owner_name_version")
        ),
        sa.UniqueConstraint("owner", "request_id", name=op.f("uq_datasets_owner_request_id")),
        sa.CheckConstraint("version > 0", name=op.f("ck_datasets_version")),
        sa.CheckConstraint(
            "(request_id IS NULL) = (request_hash IS NULL)", name=op.f("ck_datasets_request")
        ),
    )
    op.create_index("ix_datasets_owner_id", "datasets", ["owner", "id"])


def _create_dataset_columns() -> None:
    op.create_table(
        "dataset_columns",
        sa.Column("dataset_digest", _DIGEST, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("profile", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("dataset_digest", "position", name=op.f("pk_dataset_columns")),
        sa.UniqueConstraint(
            "dataset_digest", "name", name=op.f("uq_dataset_columns_dataset_digest_name")
        ),
        sqlite_with_rowid=False,
    )


def _create_ml_models() -> None:
    op.create_table(
        "ml_models",
        sa.Column("id", _IDENTIFIER, nullable=False),
        sa.Column("owner", sa.String(256), nullable=False),
        sa.Column("name", sa.String(256), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("type", sa.String(64), nullable=False),
        sa.Column("architecture", sa.String(256), nullable=False),
        sa.Column("problem_type", sa.String(32), nullable=False),
        sa.Column("target_column", sa.String, nullable=False),
        sa.Column("classes", _JSON, nullable=False),
        sa.Column("feature_count", sa.Integer, nullable=False),
        sa.Column("hyperparameters", _JSON, nullable=False),
        sa.Column("training_config", _JSON, nullable=False),
        sa.Column("metrics", _JSON, nullable=False),
        sa.Column("results", _JSON, nullable=False),
        sa.Column("artifacts_path", sa.String(512), nullable=False),
        sa.Column("manifest_digest", _DIGEST, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("mlflow_run_id", sa.String(64)),
        sa.Column("description", sa.String, nullable=False),
        sa.Column("tags", _JSON, nullable=False),
        sa.Column("job_id", _IDENTIFIER, nullable=False),
        sa.Column("dataset_id", _IDENTIFIER, nullable=False),
        sa.Column("created_by", sa.String(256), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.Column("deleted_at", _TIME),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ml_models")),
        sa.UniqueConstraint(
            "owner", "name", "version", name=op.f("uq_ml_models_owner_name_version")
        ),
        sa.UniqueConstraint("job_id", name=op.f("uq_ml_models_job_id")),
        sa.CheckConstraint("version > 0", name=op.f("ck_ml_models_version")),
    )
    op.create_index("ix_ml_models_owner_id", "ml_models", ["owner", "id"])
