"""The outbox: what has to leave the database, written in the transaction that it tells about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, exists, insert, select

from omniscope_registry.tables.jobs import outbox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from omniscope_registry.database import Reader

_INSERT = insert(outbox)
_PENDING = select(outbox).order_by(outbox.c.id)


@dataclass(frozen=True, slots=True)
class Notice:
    """A message for the broker, delivered at least once.

    Attributes:
        subject: Where to, from `omniscope_service.events.subjects`.
        message_id: Lets the broker drop repetitions within its window.
    """

    subject: str
    payload: bytes
    message_id: str


@dataclass(frozen=True, slots=True)
class PendingRow:
    """A row that waits for delivery; `job_id` is set for projections."""

    id: int
    subject: str
    message_id: str
    job_id: str | None
    payload: bytes


async def waits(conn: Reader, subject: str) -> bool:
    """Tell whether a message on a subject waits for the broker."""
    waiting = exists().where(outbox.c.channel == "nats", outbox.c.subject == subject)
    return bool(await conn.scalar(select(waiting)))


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
