"""Jobs, attempts, journal, metrics, workers and the outbox."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TERMINAL = "('succeeded', 'failed', 'cancelled', 'timed_out', 'quarantined')"
_IDENTIFIER = sa.String(26)
_DIGEST = sa.String(64)
_JSON = sa.JSON().with_variant(JSONB(), "postgresql")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_training_jobs()
    _create_job_attempts()
    _create_job_events()
    _create_job_metrics()
    _create_workers()
    _create_outbox()
    sqlite = op.get_bind().dialect.name == "sqlite"
    for guard in _sqlite_guards() if sqlite else _postgresql_guards():
        op.execute(guard)


def _create_training_jobs() -> None:
    op.create_table(
        "training_jobs",
        sa.Column("id", _IDENTIFIER, nullable=False),
        sa.Column("owner", sa.String(256), nullable=False),
        sa.Column("service", sa.String(64), nullable=False),
        sa.Column("resource_class", sa.String(16), nullable=False),
        sa.Column("model_type", sa.String(64), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("progress", sa.Double, nullable=False),
        sa.Column("message", sa.String(2000), nullable=False),
        sa.Column("error", _JSON),
        sa.Column("model_id", _IDENTIFIER),
        sa.Column("model_name", sa.String(256), nullable=False),
        sa.Column("dataset_id", _IDENTIFIER, nullable=False),
        sa.Column("dataset_key", sa.String(512), nullable=False),
        sa.Column("dataset_digest", _DIGEST, nullable=False),
        sa.Column("experiment", sa.String(256), nullable=False),
        sa.Column("description", sa.String, nullable=False),
        sa.Column("tags", _JSON, nullable=False),
        sa.Column("warnings", _JSON, nullable=False),
        sa.Column("config", sa.LargeBinary, nullable=False),
        sa.Column("column_lists", _JSON, nullable=False),
        sa.Column("request_id", sa.String(64)),
        sa.Column("request_hash", _DIGEST),
        sa.Column("hard_limit_seconds", sa.Integer, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("lease_token_hash", _DIGEST),
        sa.Column("lease_until", _TIME),
        sa.Column("worker_id", _IDENTIFIER),
        sa.Column("cancel_requested_at", _TIME),
        sa.Column("cancel_reason", sa.String(500), nullable=False),
        sa.Column("run_after", _TIME, nullable=False),
        sa.Column("hinted_at", _TIME),
        sa.Column("nudge", sa.Integer, nullable=False),
        sa.Column("last_sequence", sa.Integer, nullable=False),
        sa.Column("stopped_early", sa.Boolean, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("started_at", _TIME),
        sa.Column("completed_at", _TIME),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.Column("deleted_at", _TIME),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_training_jobs")),
        sa.UniqueConstraint("owner", "request_id", name=op.f("uq_training_jobs_owner_request_id")),
        sa.CheckConstraint(
            f"status IN ('queued', 'running') OR status IN {_TERMINAL}",
            name=op.f("ck_training_jobs_status"),
        ),
        sa.CheckConstraint(
            "(status = 'running') = (lease_token_hash IS NOT NULL)",
            name=op.f("ck_training_jobs_lease_token"),
        ),
        sa.CheckConstraint(
            "(status = 'running') = (lease_until IS NOT NULL)",
            name=op.f("ck_training_jobs_lease_until"),
        ),
        sa.CheckConstraint(
            f"(status IN {_TERMINAL}) = (completed_at IS NOT NULL)",
            name=op.f("ck_training_jobs_completed"),
        ),
        sa.CheckConstraint(
            "(status = 'succeeded') = (model_id IS NOT NULL)", name=op.f("ck_training_jobs_model")
        ),
        sa.CheckConstraint(
            "progress >= 0 AND progress <= 100", name=op.f("ck_training_jobs_progress")
        ),
        sa.CheckConstraint(
            "(request_id IS NULL) = (request_hash IS NULL)", name=op.f("ck_training_jobs_request")
        ),
    )
    op.create_index("ix_training_jobs_owner_id", "training_jobs", ["owner", "id"])
    _create_partial_index("queued", ["service", "resource_class", "id"])
    _create_partial_index("running", ["lease_until"])


def _create_partial_index(status: str, columns: list[str]) -> None:
    condition = sa.text(f"status = '{status}'")
    op.create_index(
        f"ix_training_jobs_{status}",
        "training_jobs",
        columns,
        sqlite_where=condition,
        postgresql_where=condition,
    )


def _job_id() -> sa.Column[str]:
    return sa.Column("job_id", _IDENTIFIER, nullable=False)


def _of_job(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["job_id"], ["training_jobs.id"], name=op.f(f"fk_{table}_job_id_training_jobs")
    )


def _create_job_attempts() -> None:
    op.create_table(
        "job_attempts",
        _job_id(),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("worker_id", _IDENTIFIER, nullable=False),
        sa.Column("claim_hash", _DIGEST, nullable=False),
        sa.Column("nonce", sa.String(32), nullable=False),
        sa.Column("lease_token_hash", _DIGEST, nullable=False),
        sa.Column("last_worker_sequence", sa.Integer, nullable=False),
        sa.Column("outcome", sa.String(16)),
        sa.Column("error", _JSON),
        sa.Column("started_at", _TIME, nullable=False),
        sa.Column("ended_at", _TIME),
        sa.PrimaryKeyConstraint("job_id", "attempt", name=op.f("pk_job_attempts")),
        _of_job("job_attempts"),
        sa.CheckConstraint(
            "(outcome IS NULL) = (ended_at IS NULL)", name=op.f("ck_job_attempts_outcome")
        ),
    )


def _create_job_events() -> None:
    op.create_table(
        "job_events",
        _job_id(),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("job_id", "sequence", name=op.f("pk_job_events")),
        _of_job("job_events"),
        sqlite_with_rowid=False,
    )


def _create_job_metrics() -> None:
    op.create_table(
        "job_metrics",
        _job_id(),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("worker_sequence", sa.Integer, nullable=False),
        sa.Column("name", sa.String(256), nullable=False),
        sa.Column("split", sa.String(32), nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("value", sa.Double, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint(
            "job_id", "attempt", "worker_sequence", name=op.f("pk_job_metrics")
        ),
        _of_job("job_metrics"),
        sqlite_with_rowid=False,
    )


def _create_workers() -> None:
    op.create_table(
        "workers",
        sa.Column("id", _IDENTIFIER, nullable=False),
        sa.Column("service", sa.String(64), nullable=False),
        sa.Column("resource_class", sa.String(16), nullable=False),
        sa.Column("slots", sa.Integer, nullable=False),
        sa.Column("versions", _JSON, nullable=False),
        sa.Column("first_seen_at", _TIME, nullable=False),
        sa.Column("last_seen_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workers")),
        sa.CheckConstraint("slots > 0", name=op.f("ck_workers_slots")),
    )


def _create_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), autoincrement=True),
        sa.Column("channel", sa.String(8), nullable=False),
        sa.Column("subject", sa.String(256), nullable=False),
        sa.Column("message_id", sa.String(256), nullable=False),
        sa.Column("job_id", _IDENTIFIER),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.CheckConstraint("channel IN ('nats', 'mlflow')", name=op.f("ck_outbox_channel")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_outbox_channel_id", "outbox", ["channel", "id"])


# What no statement may do, however wrong it is: change how a job ended, change where it stands
# without a new version, take an attempt back, or leave out RUNNING.
_FROZEN = (
    "status", "attempt", "progress", "error", "model_id", "stopped_early", "last_sequence",
    "completed_at",
)  # fmt: skip
_VERSIONED = ("status", "attempt", "cancel_requested_at")


def _changed(columns: tuple[str, ...], operator: str) -> str:
    return " OR ".join(f"NEW.{column} {operator} OLD.{column}" for column in columns)


def _guards(operator: str) -> dict[str, str]:
    return {
        "a job that has ended never changes": (
            f"OLD.completed_at IS NOT NULL AND ({_changed(_FROZEN, operator)})"
        ),
        "a change of state, attempt or cancel flag takes the next version": (
            f"({_changed(_VERSIONED, operator)}) AND NEW.version <> OLD.version + 1"
        ),
        "attempts grow one by one": (
            "NEW.attempt <> OLD.attempt AND NEW.attempt <> OLD.attempt + 1"
        ),
        "a job ends with a result only after it ran": (
            "OLD.status = 'queued' AND NEW.status IN ('succeeded', 'failed', 'quarantined')"
        ),
    }


def _sqlite_guards() -> list[str]:
    return [
        f"""CREATE TRIGGER training_jobs_guard_{number} BEFORE UPDATE ON training_jobs
            WHEN {condition} BEGIN SELECT RAISE(ABORT, '{rule}'); END"""
        for number, (rule, condition) in enumerate(_guards("IS NOT").items(), start=1)
    ]


def _postgresql_guards() -> list[str]:
    checks = "".join(
        f"IF {condition} THEN RAISE EXCEPTION '{rule}' USING ERRCODE = 'check_violation'; END IF;"
        for rule, condition in _guards("IS DISTINCT FROM").items()
    )
    return [
        f"""CREATE FUNCTION training_jobs_guard() RETURNS trigger LANGUAGE plpgsql AS
            $guard$ BEGIN {checks} RETURN NEW; END $guard$""",
        """CREATE TRIGGER training_jobs_guard BEFORE UPDATE ON training_jobs
           FOR EACH ROW EXECUTE FUNCTION training_jobs_guard()""",
    ]
