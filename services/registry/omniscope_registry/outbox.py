"""The outbox: what has to leave the database, written in the transaction that it tells about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, exists, func, insert, literal_column, select

from omniscope_registry.tables.jobs import outbox
from omniscope_service.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from omniscope_registry.database import Reader

MAX_UNDELIVERED_HINTS = 10_000
"""With so many hints waiting for the broker, no new job is taken."""

_INSERT = insert(outbox)
_PENDING = select(outbox).order_by(outbox.c.id)


@dataclass(frozen=True, slots=True)
class Notice:
    """A message for the broker, delivered at least once.

    Attributes:
        subject: Where to, from `omniscope_service.events.subjects`.
        message_id: Lets the broker drop repetitions within its window.
        job_id: The job that a run hint is for; None for other messages.
    """

    subject: str
    payload: bytes
    message_id: str
    job_id: str | None = None


@dataclass(frozen=True, slots=True)
class PendingRow:
    """A row that waits for delivery. `job_id` is set for projections and run hints."""

    id: int
    subject: str
    message_id: str
    job_id: str | None
    payload: bytes


def undelivered_hint(job_id: ColumnElement[str]) -> ColumnElement[bool]:
    """Return whether a job's last hint has not reached the broker yet, as SQL."""
    return exists().where(outbox.c.channel == "nats", outbox.c.job_id == job_id)


async def require_room(conn: AsyncConnection) -> None:
    """Refuse new work while the broker has been away for so long that thousands of hints wait.

    Raises:
        Unavailable: Reason OUTBOX_FULL.
    """
    hints = (
        select(literal_column("1"))
        .where(outbox.c.channel == "nats", outbox.c.job_id.is_not(None))
        .limit(MAX_UNDELIVERED_HINTS)
        .subquery()
    )
    waiting = await conn.scalar(select(func.count()).select_from(hints))
    if waiting == MAX_UNDELIVERED_HINTS:
        raise Unavailable(
            "the message broker has been away for long: too many jobs wait to be announced",
            reason="OUTBOX_FULL",
            retry_after_seconds=30.0,
        )


async def add(conn: AsyncConnection, *, subject: str, payload: bytes, message_id: str) -> None:
    """Have one message published once the transaction has committed."""
    await add_all(conn, [Notice(subject, payload, message_id)])


async def add_all(conn: AsyncConnection, notices: Sequence[Notice]) -> None:
    """Have messages published, in this order, once the transaction has committed."""
    now = datetime.now(UTC)
    rows = [
        {
            "channel": "nats",
            "subject": notice.subject,
            "message_id": notice.message_id,
            "job_id": notice.job_id,
            "payload": notice.payload,
            "created_at": now,
        }
        for notice in notices
    ]
    await conn.execute(_INSERT, rows)


async def add_projection(conn: AsyncConnection, *, job_id: str, payload: bytes) -> None:
    """Have a step projected into MLflow.

    Args:
        conn: The transaction that it tells about.
        job_id: The job that it belongs to.
        payload: A serialized `registry.v1.Projection` without `projection_id` and `job`: both are
            filled in when it is read, so that the job is as it is then.
    """
    row = {
        "channel": "mlflow",
        "subject": "",
        "message_id": "",
        "job_id": job_id,
        "payload": payload,
        "created_at": datetime.now(UTC),
    }
    await conn.execute(_INSERT, row)


async def pending(conn: Reader, channel: str, limit: int) -> list[PendingRow]:
    """Return the oldest rows of a channel, `nats` or `mlflow`."""
    return await _fetch(conn, _PENDING.where(outbox.c.channel == channel).limit(limit))


async def pending_locked(conn: AsyncConnection, channel: str, limit: int) -> list[PendingRow]:
    """Return the oldest rows, locked until the transaction ends; without those locked already."""
    query = _PENDING.where(outbox.c.channel == channel).limit(limit)
    return await _fetch(conn, query.with_for_update(skip_locked=True))


async def _fetch(conn: Reader, query: Select[Any]) -> list[PendingRow]:
    rows = await conn.execute(query)
    return [
        PendingRow(row.id, row.subject, row.message_id, row.job_id, row.payload) for row in rows
    ]


async def remove(conn: AsyncConnection, ids: Sequence[int]) -> None:
    """Forget rows that were delivered; unknown ids are ignored."""
    await conn.execute(delete(outbox).where(outbox.c.id.in_(ids)))
