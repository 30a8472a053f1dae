"""Tables of datasets and of their columns."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
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

datasets = Table(
    "datasets",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("owner", String(256), nullable=False),
    Column("name", String(128), nullable=False),
    Column("version", Integer, nullable=False),
    Column("description", String, nullable=False),
    Column("source_format", String(16), nullable=False),
    Column("source_digest", Digest, nullable=False),
    # Several datasets may share it: the same bytes are stored, and profiled, once.
    Column("digest", Digest, nullable=False),
    Column("row_count", Integer, nullable=False),
    Column("column_count", Integer, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("missing_count", BigInteger, nullable=False),
    # {type: number of columns}
    Column("column_types", JsonDocument, nullable=False),
    # A list of names.
    Column("likely_key_columns", JsonDocument, nullable=False),
    Column("constant_column_count", Integer, nullable=False, server_default="0"),
    Column("duplicate_column_count", Integer, nullable=False, server_default="0"),
    # A list of sentences.
    Column("warnings", JsonDocument, nullable=False, server_default="[]"),
    Column("request_id", String(64)),
    Column("request_hash", Digest),
    Column("created_by", String(256), nullable=False),
    Column("created_at", UtcTimestamp, nullable=False),
    Column("deleted_at", UtcTimestamp),
    # Also what finds the newest version of a name.
    UniqueConstraint("owner", "name", "version"),
    UniqueConstraint("owner", "request_id"),
    CheckConstraint("version > 0", name="version"),
    CheckConstraint("(request_id IS NULL) = (request_hash IS NULL)", name="request"),
)
Index("ix_datasets_owner_id", datasets.c.owner, datasets.c.id)
# What lists walk along: deleted rows stay for ever.
Index(
    "ix_datasets_listed",
    datasets.c.owner,
    datasets.c.id,
    sqlite_where=text("deleted_at IS NULL"),
    postgresql_where=text("deleted_at IS NULL"),
)
# What request ids expire by.
Index(
    "ix_datasets_request",
    datasets.c.created_at,
    sqlite_where=text("request_id IS NOT NULL"),
    postgresql_where=text("request_id IS NOT NULL"),
)

# Columns belong to the stored bytes, so that a second upload of them costs no rows.
dataset_columns = Table(
    "dataset_columns",
    metadata,
    Column("dataset_digest", Digest, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("name", String, nullable=False),
    # A serialized DatasetColumn: only name and position are ever searched for, and 20,000 columns
    # must be written within the time of one upload.
    Column("profile", LargeBinary, nullable=False),
    UniqueConstraint("dataset_digest", "name"),
    sqlite_with_rowid=False,
)
