"""Tables of jobs, their attempts, events and metrics, of workers and of the outbox."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
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

_TERMINAL = "('succeeded', 'failed', 'cancelled', 'timed_out', 'quarantined')"

training_jobs = Table(
    "training_jobs",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("owner", String(256), nullable=False),
    Column("service", String(64), nullable=False),
    Column("resource_class", String(16), nullable=False),
    Column("model_type", String(64), nullable=False),
    Column("status", String(16), nullable=False),
    Column("progress", Double, nullable=False),
    Column("message", String(2000), nullable=False),
    # A JobError by its field names.
    Column("error", JsonDocument),
    Column("model_id", Identifier),
    Column("model_name", String(256), nullable=False),
    Column("experiment", String(256), nullable=False),
    Column("description", String, nullable=False),
    Column("tags", JsonDocument, nullable=False),
    Column("warnings", JsonDocument, nullable=False),
    # A serialized google.protobuf.Any.
    Column("config", LargeBinary, nullable=False),
    # {field: {digest, count}}; the names lie in the artifact store.
    Column("column_lists", JsonDocument, nullable=False),
    Column("request_id", String(64)),
    Column("request_hash", Digest),
    Column("hard_limit_seconds", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("lease_token_hash", Digest),
    Column("lease_until", UtcTimestamp),
    Column("worker_id", Identifier),
    Column("cancel_requested_at", UtcTimestamp),
    Column("cancel_reason", String(500), nullable=False),
    Column("run_after", UtcTimestamp, nullable=False),
    Column("last_sequence", Integer, nullable=False),
    Column("stopped_early", Boolean, nullable=False),
    Column("version", Integer, nullable=False),
    Column("started_at", UtcTimestamp),
    Column("completed_at", UtcTimestamp),
    Column("created_at", UtcTimestamp, nullable=False),
    Column("updated_at", UtcTimestamp, nullable=False),
    Column("deleted_at", UtcTimestamp),
    # The job that this one repeats.
    Column("retry_of", Identifier),
    # When it must have ended, waiting included.
    Column("deadline_at", UtcTimestamp),
    # Greatest sequence that the journal no longer holds.
    Column("pruned_sequence", Integer, nullable=False, server_default="0"),
    # Empty: the job makes a model.
    Column("artifact_kind", String(63), nullable=False, server_default=""),
    Column("artifact_id", Identifier),
    UniqueConstraint("owner", "request_id"),
    CheckConstraint(f"status IN ('queued', 'running') OR status IN {_TERMINAL}", name="status"),
    CheckConstraint("(status = 'running') = (lease_token_hash IS NOT NULL)", name="lease_token"),
    CheckConstraint("(status = 'running') = (lease_until IS NOT NULL)", name="lease_until"),
    CheckConstraint(f"(status IN {_TERMINAL}) = (completed_at IS NOT NULL)", name="completed"),
    CheckConstraint(
        "(model_id IS NOT NULL) = (status = 'succeeded' AND artifact_kind = '')", name="model"
    ),
    CheckConstraint(
        "(artifact_id IS NOT NULL) = (status = 'succeeded' AND artifact_kind <> '')",
        name="artifact",
    ),
    CheckConstraint("progress >= 0 AND progress <= 100", name="progress"),
    CheckConstraint("(request_id IS NULL) = (request_hash IS NULL)", name="request"),
)
Index("ix_training_jobs_owner_id", training_jobs.c.owner, training_jobs.c.id)
# What lists walk along: deleted rows stay for ever.
Index(
    "ix_training_jobs_listed",
    training_jobs.c.owner,
    training_jobs.c.id,
    sqlite_where=text("deleted_at IS NULL"),
    postgresql_where=text("deleted_at IS NULL"),
)
# What lists are filtered by: without one, a filter that few jobs meet reads all of an owner's.
for _column in (
    "status", "service", "model_type", "artifact_kind", "experiment", "model_name",
):  # fmt: skip
    Index(
        f"ix_training_jobs_owner_{_column}_id",
        training_jobs.c.owner,
        training_jobs.c[_column],
        training_jobs.c.id,
    )
# The position in the queue, the next job to claim, and what the sweeper looks at.
Index(
    "ix_training_jobs_queued",
    training_jobs.c.service,
    training_jobs.c.resource_class,
    training_jobs.c.id,
    training_jobs.c.run_after,
    sqlite_where=text("status = 'queued'"),
    postgresql_where=text("status = 'queued'"),
)
# What the reaper looks at.
Index(
    "ix_training_jobs_running",
    training_jobs.c.lease_until,
    sqlite_where=text("status = 'running'"),
    postgresql_where=text("status = 'running'"),
)
# What the deadline enforcer looks at.
Index(
    "ix_training_jobs_deadline",
    training_jobs.c.deadline_at,
    sqlite_where=text("deadline_at IS NOT NULL"),
    postgresql_where=text("deadline_at IS NOT NULL"),
)
# What an owner's quota counts.
Index(
    "ix_training_jobs_active",
    training_jobs.c.owner,
    sqlite_where=text("completed_at IS NULL"),
    postgresql_where=text("completed_at IS NULL"),
)
# What request ids expire by.
Index(
    "ix_training_jobs_request",
    training_jobs.c.created_at,
    sqlite_where=text("request_id IS NOT NULL"),
    postgresql_where=text("request_id IS NOT NULL"),
)

# What a job reads, and where it lies: a claim needs no other table.
job_inputs = Table(
    "job_inputs",
    metadata,
    Column("job_id", ForeignKey("training_jobs.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    # The job's: lists of one owner's jobs are filtered by what they read.
    Column("owner", String(256), nullable=False),
    Column("role", String(63), nullable=False),
    Column("dataset_id", Identifier),
    Column("model_id", Identifier),
    # Whether the job has the same input at an earlier position, for another role: a list that is
    # filtered by an input finds each job once.
    Column("repeated", Boolean, nullable=False),
    Column("artifact_key", String(512), nullable=False),
    Column("digest", Digest, nullable=False),
    CheckConstraint("(dataset_id IS NULL) <> (model_id IS NULL)", name="one"),
    sqlite_with_rowid=False,
)
# Which jobs read something, in the order of their ids.
for _column in ("dataset_id", "model_id"):
    Index(
        f"ix_job_inputs_owner_{_column}",
        job_inputs.c.owner,
        job_inputs.c[_column],
        job_inputs.c.repeated,
        job_inputs.c.job_id,
        sqlite_where=text(f"{_column} IS NOT NULL"),
        postgresql_where=text(f"{_column} IS NOT NULL"),
    )

job_attempts = Table(
    "job_attempts",
    metadata,
    Column("job_id", ForeignKey("training_jobs.id"), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("worker_id", Identifier, nullable=False),
    # Of the claim's id: together with the nonce it makes the lease token, so neither is kept.
    Column("claim_hash", Digest, nullable=False),
    Column("nonce", String(32), nullable=False),
    Column("lease_token_hash", Digest, nullable=False),
    Column("last_worker_sequence", Integer, nullable=False),
    # NULL while it runs; `succeeded`, or the cause of its failure.
    Column("outcome", String(16)),
    Column("error", JsonDocument),
    Column("started_at", UtcTimestamp, nullable=False),
    Column("ended_at", UtcTimestamp),
    # When what nobody needs was removed from the artifact store.
    Column("collected_at", UtcTimestamp),
    CheckConstraint("(outcome IS NULL) = (ended_at IS NULL)", name="outcome"),
)
# What a repeated claim finds its attempt by; it makes one attempt only.
Index("ix_job_attempts_claim_hash", job_attempts.c.claim_hash, unique=True)
# What the collector looks at.
Index(
    "ix_job_attempts_uncollected",
    job_attempts.c.job_id,
    sqlite_where=text("collected_at IS NULL"),
    postgresql_where=text("collected_at IS NULL"),
)

# The journal: what `JobEvent`s are made from.
job_events = Table(
    "job_events",
    metadata,
    Column("job_id", ForeignKey("training_jobs.id"), primary_key=True),
    Column("sequence", Integer, primary_key=True),
    # Field of the oneof `JobEvent.event`.
    Column("kind", String(24), nullable=False),
    # A serialized JobEvent.
    Column("payload", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

# Every metric point in full, also when the journal coalesces. Attempt 0: logged by its owner, and
# `worker_sequence` is their number.
job_metrics = Table(
    "job_metrics",
    metadata,
    Column("job_id", ForeignKey("training_jobs.id"), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("worker_sequence", Integer, primary_key=True),
    Column("name", String(256), nullable=False),
    Column("split", String(32), nullable=False),
    Column("step", Integer, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("value", Double, nullable=False),
    Column("created_at", UtcTimestamp, nullable=False),
    sqlite_with_rowid=False,
)

# What a later attempt can resume from: the newest two of a job.
job_checkpoints = Table(
    "job_checkpoints",
    metadata,
    Column("job_id", ForeignKey("training_jobs.id"), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("name", String(256), primary_key=True),
    Column("step", Integer, nullable=False),
    Column("manifest_key", String(512), nullable=False),
    Column("manifest_digest", Digest, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("created_at", UtcTimestamp, nullable=False),
)

workers = Table(
    "workers",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("service", String(64), nullable=False),
    Column("resource_class", String(16), nullable=False),
    Column("slots", Integer, nullable=False),
    Column("versions", JsonDocument, nullable=False),
    Column("first_seen_at", UtcTimestamp, nullable=False),
    Column("last_seen_at", UtcTimestamp, nullable=False),
    CheckConstraint("slots > 0", name="slots"),
)

# What has to leave the database, written in the transaction that it tells about. Rows are deleted
# once they are delivered.
outbox = Table(
    "outbox",
    metadata,
    # SQLite numbers rows by itself only when the type is exactly INTEGER.
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    # `nats` or `mlflow`
    Column("channel", String(8), nullable=False),
    Column("subject", String(256), nullable=False),
    Column("message_id", String(256), nullable=False),
    Column("job_id", Identifier),
    Column("payload", LargeBinary, nullable=False),
    Column("created_at", UtcTimestamp, nullable=False),
    CheckConstraint("channel IN ('nats', 'mlflow')", name="channel"),
    # A number is never used twice: who acknowledges one late must not hit another row.
    sqlite_autoincrement=True,
)
Index("ix_outbox_channel_id", outbox.c.channel, outbox.c.id)
