"""Tables of the registered models and of the aliases of their names."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    text,
)

from omniscope_registry.tables.metadata import (
    Digest,
    Identifier,
    JsonDocument,
    UtcTimestamp,
    metadata,
)

ml_models = Table(
    "ml_models",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("owner", String(256), nullable=False),
    Column("name", String(256), nullable=False),
    Column("version", Integer, nullable=False),
    Column("type", String(64), nullable=False),
    Column("architecture", String(256), nullable=False),
    Column("problem_type", String(32), nullable=False),
    Column("target_column", String, nullable=False),
    # [class], in the order of every probability vector
    Column("classes", JsonDocument, nullable=False),
    Column("feature_count", Integer, nullable=False),
    # What of the training request tunes the method, without data, names and labels.
    Column("hyperparameters", JsonDocument, nullable=False),
    # The whole training request, as JSON of a google.protobuf.Any.
    Column("training_config", JsonDocument, nullable=False),
    # {metric: value} on the held-out rows
    Column("metrics", JsonDocument, nullable=False),
    # A ModelResults as JSON, without the ids that this row has anyway.
    Column("results", JsonDocument, nullable=False),
    # Key in the artifact store: the package stays where its attempt wrote it.
    Column("artifacts_path", String(512), nullable=False),
    Column("manifest_digest", Digest, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    # NULL until the run has been projected.
    Column("mlflow_run_id", String(64)),
    Column("description", String, nullable=False),
    Column("tags", JsonDocument, nullable=False),
    Column("job_id", Identifier, nullable=False),
    # NULL: no dataset was trained on, as for an ensemble of models.
    Column("dataset_id", Identifier),
    Column("created_by", String(256), nullable=False),
    Column("created_at", UtcTimestamp, nullable=False),
    Column("updated_at", UtcTimestamp, nullable=False),
    Column("deleted_at", UtcTimestamp),
    # When its package and what the row told of it were removed: the row itself stays, so that a
    # version never means two things.
    Column("purged_at", UtcTimestamp),
    # Also what finds the newest version of a name.
    UniqueConstraint("owner", "name", "version"),
    # A job makes one model, whatever is repeated.
    UniqueConstraint("job_id"),
    CheckConstraint("version > 0", name="version"),
    CheckConstraint("purged_at IS NULL OR deleted_at IS NOT NULL", name="purged"),
)
Index("ix_ml_models_owner_id", ml_models.c.owner, ml_models.c.id)
# What lists walk along: deleted rows stay for ever.
Index(
    "ix_ml_models_listed",
    ml_models.c.owner,
    ml_models.c.id,
    sqlite_where=text("deleted_at IS NULL"),
    postgresql_where=text("deleted_at IS NULL"),
)
# What the purger looks at.
Index(
    "ix_ml_models_unpurged",
    ml_models.c.deleted_at,
    sqlite_where=text("deleted_at IS NOT NULL AND purged_at IS NULL"),
    postgresql_where=text("deleted_at IS NOT NULL AND purged_at IS NULL"),
)

model_aliases = Table(
    "model_aliases",
    metadata,
    Column("owner", String(256), primary_key=True),
    Column("name", String(256), primary_key=True),
    Column("alias", String(63), primary_key=True),
    Column("model_id", ForeignKey("ml_models.id"), nullable=False),
    # New with every change.
    Column("etag", Identifier, nullable=False),
    Column("updated_by", String(256), nullable=False),
    Column("updated_at", UtcTimestamp, nullable=False),
)
Index("ix_model_aliases_model_id", model_aliases.c.model_id)
# What lists are filtered and ordered by: without one, a filter that few models meet, or the first
# page of an order, reads all of an owner's.
for _column in (
    "name", "type", "architecture", "problem_type", "dataset_id", "updated_at", "size_bytes",
):  # fmt: skip
    Index(
        f"ix_ml_models_owner_{_column}_id",
        ml_models.c.owner,
        ml_models.c[_column],
        ml_models.c.id,
    )
