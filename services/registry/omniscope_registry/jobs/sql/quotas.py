"""How many jobs one owner may have, so that nobody keeps the others waiting."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select
from ulid import ULID

from omniscope_registry.jobs.values import UNLIMITED, Quota
from omniscope_registry.tables.jobs import training_jobs
from omniscope_service.errors import ResourceExhausted

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from omniscope_registry.database import Database

_JOBS = training_jobs.c
_WINDOW = timedelta(minutes=1)
# Ids sort by the time of the process that made them, which may differ from the database's.
_CLOCK_DIFFERENCE = timedelta(minutes=10)
_RETRY_ACTIVE_SECONDS = 30.0


async def require_room(
    conn: AsyncConnection, database: Database, owner: str, quota: Quota
) -> None:
    """Let an owner add one job, or refuse.

    The check holds until the transaction ends: submissions of one owner wait for each other.

    Raises:
        ResourceExhausted: Reason QUOTA_EXCEEDED, with the time to wait.
    """
    if quota == UNLIMITED:
        return
    if database.dialect == "postgresql":
        await conn.execute(select(func.pg_advisory_xact_lock(func.hashtext(owner))))
    if quota.active_jobs:
        await _require_few_active(conn, owner, quota.active_jobs)
    if quota.submissions_per_minute:
        await _require_few_recent(conn, database, owner, quota.submissions_per_minute)


async def _require_few_active(conn: AsyncConnection, owner: str, limit: int) -> None:
    query = (
        select(func.count())
        .select_from(training_jobs)
        .where(_JOBS.owner == owner, _JOBS.completed_at.is_(None))
    )
    active = int(await conn.scalar(query) or 0)
    if active >= limit:
        raise _exceeded(
            f"{active} of your jobs wait or run, and {limit} may: wait for one or cancel one",
            _RETRY_ACTIVE_SECONDS,
        )


async def _require_few_recent(
    conn: AsyncConnection, database: Database, owner: str, limit: int
) -> None:
    # The bound on the id lets the index over (owner, id) find them.
    newest_possible = str(ULID.from_datetime(datetime.now(UTC) - _WINDOW - _CLOCK_DIFFERENCE))
    now = database.now()
    recent = (
        select(_JOBS.created_at, now.label("now"))
        .where(
            _JOBS.owner == owner,
            _JOBS.id >= newest_possible,
            _JOBS.created_at > database.now(-_WINDOW),
        )
        .order_by(_JOBS.created_at.desc())
        .limit(limit)
    )
    rows = (await conn.execute(recent)).all()
    if len(rows) == limit:
        free_at = rows[-1].created_at + _WINDOW
        raise _exceeded(
            f"you have started {limit} jobs within a minute, which is the limit",
            max((free_at - rows[-1].now).total_seconds(), 0.1),
        )


def _exceeded(message: str, retry_after_seconds: float) -> ResourceExhausted:
    return ResourceExhausted(
        message, reason="QUOTA_EXCEEDED", retry_after_seconds=retry_after_seconds
    )
