"""Jobs read any number of datasets and models, and make a model or an artifact."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_IDENTIFIER = sa.String(26)
_DIGEST = sa.String(64)
_TIME = sa.DateTime(timezone=True)
_UNPURGED = "deleted_at IS NOT NULL AND purged_at IS NULL"


def upgrade() -> None:
    _create_job_inputs()
    _copy_datasets()
    _change_training_jobs()
    _create_job_artifacts()
    with op.batch_alter_table("ml_models") as models:
        models.alter_column("dataset_id", existing_type=_IDENTIFIER, nullable=True)


def _create_job_inputs() -> None:
    op.create_table(
        "job_inputs",
        sa.Column("job_id", _IDENTIFIER, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("owner", sa.String(256), nullable=False),
        sa.Column("role", sa.String(63), nullable=False),
        sa.Column("dataset_id", _IDENTIFIER),
        sa.Column("model_id", _IDENTIFIER),
        sa.Column("repeated", sa.Boolean, nullable=False),
        sa.Column("artifact_key", sa.String(512), nullable=False),
        sa.Column("digest", _DIGEST, nullable=False),
        sa.PrimaryKeyConstraint("job_id", "position", name=op.f("pk_job_inputs")),
        sa.ForeignKeyConstraint(
            ["job_id"], ["training_jobs.id"], name=op.f("fk_job_inputs_job_id_training_jobs")
        ),
        sa.CheckConstraint(
            "(dataset_id IS NULL) <> (model_id IS NULL)", name=op.f("ck_job_inputs_one")
        ),
        sqlite_with_rowid=False,
    )
    for column in ("dataset_id", "model_id"):
        _create_partial_index(
            f"ix_job_inputs_owner_{column}",
            "job_inputs",
            ["owner", column, "repeated", "job_id"],
            f"{column} IS NOT NULL",
        )


def _copy_datasets() -> None:
    op.execute(
        """INSERT INTO job_inputs (
               job_id, position, owner, role, dataset_id, repeated, artifact_key, digest
           )
           SELECT id, 0, owner, 'training', dataset_id, false, dataset_key, dataset_digest
           FROM training_jobs"""
    )


def _change_training_jobs() -> None:
    op.drop_index("ix_training_jobs_owner_dataset_id_id", "training_jobs")
    with op.batch_alter_table("training_jobs") as jobs:
        for column in ("dataset_id", "dataset_key", "dataset_digest"):
            jobs.drop_column(column)
        jobs.add_column(
            sa.Column("artifact_kind", sa.String(63), nullable=False, server_default="")
        )
        jobs.add_column(sa.Column("artifact_id", _IDENTIFIER))
        jobs.drop_constraint(op.f("ck_training_jobs_model"), type_="check")
        jobs.create_check_constraint(
            op.f("ck_training_jobs_model"),
            "(model_id IS NOT NULL) = (status = 'succeeded' AND artifact_kind = '')",
        )
        jobs.create_check_constraint(
            op.f("ck_training_jobs_artifact"),
            "(artifact_id IS NOT NULL) = (status = 'succeeded' AND artifact_kind <> '')",
        )
    op.create_index(
        "ix_training_jobs_owner_artifact_kind_id",
        "training_jobs",
        ["owner", "artifact_kind", "id"],
    )
    for guard in _guards():
        op.execute(guard)


def _create_job_artifacts() -> None:
    op.create_table(
        "job_artifacts",
        sa.Column("id", _IDENTIFIER, nullable=False),
        sa.Column("owner", sa.String(256), nullable=False),
        sa.Column("kind", sa.String(63), nullable=False),
        sa.Column("job_id", _IDENTIFIER, nullable=False),
        sa.Column("artifacts_path", sa.String(512), nullable=False),
        sa.Column("manifest_digest", _DIGEST, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("mlflow_run_id", sa.String(64)),
        sa.Column("created_by", sa.String(256), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.Column("deleted_at", _TIME),
        sa.Column("purged_at", _TIME),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_artifacts")),
        sa.UniqueConstraint("job_id", name=op.f("uq_job_artifacts_job_id")),
        sa.CheckConstraint(
            "purged_at IS NULL OR deleted_at IS NOT NULL", name=op.f("ck_job_artifacts_purged")
        ),
    )
    op.create_index("ix_job_artifacts_owner_job_id", "job_artifacts", ["owner", "job_id"])
    op.create_index(
        "ix_job_artifacts_owner_kind_job_id", "job_artifacts", ["owner", "kind", "job_id"]
    )
    _create_partial_index("ix_job_artifacts_unpurged", "job_artifacts", ["deleted_at"], _UNPURGED)


def _create_partial_index(name: str, table: str, columns: list[str], condition: str) -> None:
    op.create_index(
        name,
        table,
        columns,
        sqlite_where=sa.text(condition),
        postgresql_where=sa.text(condition),
    )


# As in 0001, with the artifact among what never changes once a job has ended.
_FROZEN = (
    "status", "attempt", "progress", "error", "model_id", "artifact_id", "artifact_kind",
    "stopped_early", "last_sequence", "completed_at",
)  # fmt: skip
_VERSIONED = ("status", "attempt", "cancel_requested_at")


def _changed(columns: tuple[str, ...], operator: str) -> str:
    return " OR ".join(f"NEW.{column} {operator} OLD.{column}" for column in columns)


def _rules(operator: str) -> dict[str, str]:
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


def _guards() -> list[str]:
    if op.get_bind().dialect.name == "sqlite":
        # The table was made anew, and its triggers went with the old one.
        return [
            f"""CREATE TRIGGER training_jobs_guard_{number} BEFORE UPDATE ON training_jobs
                WHEN {condition} BEGIN SELECT RAISE(ABORT, '{rule}'); END"""
            for number, (rule, condition) in enumerate(_rules("IS NOT").items(), start=1)
        ]
    checks = "".join(
        f"IF {condition} THEN RAISE EXCEPTION '{rule}' USING ERRCODE = 'check_violation'; END IF;"
        for rule, condition in _rules("IS DISTINCT FROM").items()
    )
    return [
        f"""CREATE OR REPLACE FUNCTION training_jobs_guard() RETURNS trigger LANGUAGE plpgsql AS
            $guard$ BEGIN {checks} RETURN NEW; END $guard$"""
    ]
