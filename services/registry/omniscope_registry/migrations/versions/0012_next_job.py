"""Workers claim the next job of their kind, and hints name no job."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_QUEUED = "status = 'queued'"
_INDEX = "ix_training_jobs_queued"


def upgrade() -> None:
    # Hints of before say nothing that the sweeper would not say at its first round.
    op.execute("DELETE FROM outbox WHERE channel = 'nats' AND job_id IS NOT NULL")
    op.drop_column("training_jobs", "hinted_at")
    op.drop_column("training_jobs", "nudge")
    op.drop_index(_INDEX, "training_jobs")
    op.create_index(
        _INDEX,
        "training_jobs",
        ["service", "resource_class", "id", "run_after"],
        sqlite_where=sa.text(_QUEUED),
        postgresql_where=sa.text(_QUEUED),
    )
    # A claim that was repeated after its attempt had ended got another one. Nobody repeats it now.
    op.execute(
        """UPDATE job_attempts SET claim_hash = lease_token_hash
           WHERE outcome IS NOT NULL AND claim_hash IN (
               SELECT claim_hash FROM job_attempts GROUP BY claim_hash HAVING count(*) > 1
           )"""
    )
    op.create_index("ix_job_attempts_claim_hash", "job_attempts", ["claim_hash"], unique=True)
