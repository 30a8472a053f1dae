"""Numbers a job's events and keeps them: the journal that every watch is served from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, insert, select, update

from omniscope.common.v1.job_event_pb2 import JobEvent
from omniscope_registry import outbox
from omniscope_registry.jobs.convert import job_to_proto
from omniscope_registry.listing.paging import (
    POSITION_KEY,
    clamp_page_size,
    decode_page_token,
    encode_page_token,
)
from omniscope_registry.tables.jobs import job_events, training_jobs
from omniscope_service.coalescing import COALESCIBLE
from omniscope_service.events import subjects
from omniscope_service.rpc.auth import current_caller
from omniscope_service.watch import resume_token

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from omniscope.common.v1.job_pb2 import Job
    from omniscope.registry.v1.job_service_pb2 import ListJobEventsRequest
    from omniscope_registry.database import Database
    from omniscope_registry.jobs.sql.reading import SqlJobReader
    from omniscope_registry.jobs.values import JobRow

KEPT_COALESCIBLE = 10_000
"""Metric and progress events that a job's journal keeps."""
# An event is at most 8 KiB: so many of them fit into one message.
_MAX_PAGE = 500
# Looking for surplus at every append would cost more than the surplus does.
_PRUNE_EVERY = 1000
_INSERT = insert(job_events)
_READ = (
    select(job_events.c.payload)
    .where(
        job_events.c.job_id == bindparam("job_id"),
        job_events.c.sequence > bindparam("after"),
    )
    .order_by(job_events.c.sequence)
    .limit(bindparam("page_size"))
)


async def append(conn: AsyncConnection, job: JobRow, events: Sequence[JobEvent]) -> None:
    """Store events and have them announced, in the transaction that made room for them.

    Args:
        conn: The transaction.
        job: The row after `last_sequence` was raised by the number of events. Whoever raised it
            holds the row until the commit, so numbers are given out one transaction at a time.
        events: With `event` set only; the other fields are filled in.
    """
    first = job.last_sequence - len(events) + 1
    rows = []
    notices = []
    for sequence, event in enumerate(events, start=first):
        event.sequence, event.job_id, event.attempt = sequence, job.id, job.attempt
        event.event_time.FromDatetime(job.updated_at)
        kind, payload = str(event.WhichOneof("event")), event.SerializeToString()
        rows.append({"job_id": job.id, "sequence": sequence, "kind": kind, "payload": payload})
        subject = subjects.job_event(job.id, kind)
        notices.append(outbox.Notice(subject, payload, f"evt:{job.id}:{sequence}"))
    await conn.execute(_INSERT, rows)
    await outbox.add_all(conn, notices)


async def prune(conn: AsyncConnection, job: JobRow, appended: int) -> None:
    """Forget the oldest metric and progress events beyond those that are kept, now and then.

    Args:
        conn: The transaction that holds the job's row.
        job: The row after events were appended.
        appended: How many they were.
    """
    if job.last_sequence // _PRUNE_EVERY == (job.last_sequence - appended) // _PRUNE_EVERY:
        return
    events = job_events.c
    coalescible = (events.job_id == job.id, events.kind.in_(sorted(COALESCIBLE)))
    newest_surplus = (
        select(events.sequence)
        .where(*coalescible)
        .order_by(events.sequence.desc())
        .offset(KEPT_COALESCIBLE)
        .limit(1)
    )
    surplus = await conn.scalar(newest_surplus)
    if surplus is not None:
        await conn.execute(delete(job_events).where(*coalescible, events.sequence <= surplus))
        pruned = update(training_jobs).where(training_jobs.c.id == job.id)
        await conn.execute(pruned.values(pruned_sequence=surplus))


class SqlJournal:
    """The journal as `omniscope_service.watch.JobWatcher` reads it, for the current caller."""

    def __init__(self, database: Database, reader: SqlJobReader) -> None:
        self._database = database
        self._reader = reader

    async def snapshot(self, job_id: str) -> Job:
        """Return the job as it is now, without `config`."""
        return job_to_proto(await self._reader.get(current_caller().subject, job_id))

    async def read(
        self, job_id: str, after: int, limit: int, kinds: Sequence[str] = ()
    ) -> list[JobEvent]:
        """Return up to `limit` events with a sequence above `after`, in order.

        Args:
            job_id: The job.
            after: The sequence to go on after.
            limit: How many events at most.
            kinds: Only these fields of the oneof; empty: all.

        Raises:
            NotFound: There is no such job, or it is somebody else's.
        """
        await self._reader.require(current_caller().subject, job_id)
        query = _READ.where(job_events.c.kind.in_(kinds)) if kinds else _READ
        parameters = {"job_id": job_id, "after": after, "page_size": limit}
        async with self._database.read() as conn:
            payloads = (await conn.execute(query, parameters)).scalars().all()
        events = [JobEvent.FromString(payload) for payload in payloads]
        for event in events:
            event.resume_token = resume_token(job_id, event.sequence)
        return events

    async def list_page(
        self, request: ListJobEventsRequest, kinds: Sequence[str]
    ) -> tuple[list[JobEvent], str]:
        """Return a page of events, and the token of the next one; it is empty on the last.

        Args:
            request: What the client sent.
            kinds: Its `event_types`, as `read` takes them.

        Raises:
            NotFound: There is no such job, or it is somebody else's.
            InvalidArgument: PAGE_SIZE_INVALID, PAGE_TOKEN_MISMATCH.
        """
        start = str(request.after_sequence)
        bound = (current_caller().subject, request.job_id, start, *sorted(set(kinds)))
        size = clamp_page_size(request.page_size, maximum=_MAX_PAGE)
        after = decode_page_token(request.page_token, bound, POSITION_KEY) or start
        events = await self.read(request.job_id, int(after), size + 1, kinds)
        page, more = events[:size], len(events) > size
        return page, encode_page_token(str(page[-1].sequence), bound) if more else ""
