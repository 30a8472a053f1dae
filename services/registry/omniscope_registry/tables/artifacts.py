"""Table of what jobs made that is no model."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    String,
    Table,
    UniqueConstraint,
    text,
)

from omniscope_registry.tables.metadata import Digest, Identifier, UtcTimestamp, metadata

job_artifacts = Table(
    "job_artifacts",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("owner", String(256), nullable=False),
    Column("kind", String(63), nullable=False),
    Column("job_id", Identifier, nullable=False),
    # Key in the artifact store: the package stays where its attempt wrote it.
    Column("artifacts_path", String(512), nullable=False),
    Column("manifest_digest", Digest, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    # NULL until the run has been projected.
    Column("mlflow_run_id", String(64)),
    Column("created_by", String(256), nullable=False),
    Column("created_at", UtcTimestamp, nullable=False),
    Column("updated_at", UtcTimestamp, nullable=False),
    Column("deleted_at", UtcTimestamp),
    # When its package was removed; the row stays, for jobs refer to it.
    Column("purged_at", UtcTimestamp),
    # A job makes one artifact, whatever is repeated.
    UniqueConstraint("job_id"),
    CheckConstraint("purged_at IS NULL OR deleted_at IS NOT NULL", name="purged"),
)
# Lists are in the order of the jobs, which is also that of the inputs that they are filtered by.
Index("ix_job_artifacts_owner_job_id", job_artifacts.c.owner, job_artifacts.c.job_id)
# What lists walk along: deleted rows stay for ever.
Index(
    "ix_job_artifacts_listed",
    job_artifacts.c.owner,
    job_artifacts.c.job_id,
    sqlite_where=text("deleted_at IS NULL"),
    postgresql_where=text("deleted_at IS NULL"),
)
Index(
    "ix_job_artifacts_owner_kind_job_id",
    job_artifacts.c.owner,
    job_artifacts.c.kind,
    job_artifacts.c.job_id,
)
# What the purger looks at.
Index(
    "ix_job_artifacts_unpurged",
    job_artifacts.c.deleted_at,
    sqlite_where=text("deleted_at IS NOT NULL AND purged_at IS NULL"),
    postgresql_where=text("deleted_at IS NOT NULL AND purged_at IS NULL"),
)
