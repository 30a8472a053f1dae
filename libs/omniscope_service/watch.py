"""The one implementation of every `Watch…` RPC: snapshot, journal, live events, heartbeat, end.

The journal is the truth. Live events come over a broker that may lose, repeat and reorder them, so
each is compared with the last sequence seen, and a hole sends the watch back to the journal.
"""

import asyncio
import base64
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Protocol

from omniscope.common.v1 import job_event_pb2, job_pb2
from omniscope.common.v1.job_event_pb2 import JobEvent, JobEventType, WatchRequest
from omniscope.registry.v1 import job_service_pb2
from omniscope_service.coalescing import covering, merged
from omniscope_service.errors import InvalidArgument, OutOfRange
from omniscope_service.events.bus import EventBus
from omniscope_service.events.feed import Follower, JobEventFeed

if TYPE_CHECKING:
    from omniscope_service.registry_client import RegistryClient

TERMINAL_STATES = frozenset(
    {
        job_pb2.JOB_STATE_SUCCEEDED,
        job_pb2.JOB_STATE_FAILED,
        job_pb2.JOB_STATE_CANCELLED,
        job_pb2.JOB_STATE_TIMED_OUT,
        job_pb2.JOB_STATE_QUARANTINED,
    }
)
_PAGE = 500
_SEQUENCE = re.compile(r"[0-9]{1,10}")
_KINDS = frozenset(field.name for field in JobEvent.DESCRIPTOR.oneofs_by_name["event"].fields)


class Journal(Protocol):
    """Reads jobs and their events on behalf of the current caller."""

    async def snapshot(self, job_id: str) -> job_pb2.Job:
        """Return the job as it is now, without `config`.

        Raises:
            NotFound: There is no such job, or it is somebody else's.
        """
        ...

    async def read(self, job_id: str, after: int, limit: int) -> list[JobEvent]:
        """Return up to `limit` events with a sequence above `after`, in order; fewer: no more.

        Raises:
            NotFound: There is no such job, or it is somebody else's.
        """
        ...


class RegistryJournal:
    """Journal of a service other than the registry: asks the registry as the caller."""

    def __init__(self, registry: "RegistryClient") -> None:
        self._jobs = registry.jobs

    async def snapshot(self, job_id: str) -> job_pb2.Job:
        """Return the job as it is now, without `config`."""
        job = await self._jobs.GetJob(job_service_pb2.GetJobRequest(job_id=job_id))
        job.ClearField("config")
        return job

    async def read(self, job_id: str, after: int, limit: int) -> list[JobEvent]:
        """Return up to `limit` events with a sequence above `after`, in order."""
        request = job_service_pb2.ListJobEventsRequest(
            job_id=job_id, after_sequence=after, page_size=limit
        )
        return list((await self._jobs.ListJobEvents(request)).events)


class JobWatcher:
    """Streams the events of jobs to any number of clients of one process.

    Args:
        journal: Where jobs and their events are stored.
        bus: Where new events are announced.
        heartbeat_seconds: Silence after which a heartbeat is sent. In silence the journal is read
            three times in that time, in case an announcement was lost.
        poll_seconds: How often the journal is read while the bus is not healthy.
    """

    def __init__(
        self,
        journal: Journal,
        bus: EventBus,
        *,
        heartbeat_seconds: float = 15.0,
        poll_seconds: float = 2.0,
    ) -> None:
        self._journal = journal
        self._feed = JobEventFeed(bus)
        self._heartbeat_seconds = heartbeat_seconds
        self._poll_seconds = poll_seconds

    async def watch(self, request: WatchRequest) -> AsyncGenerator[JobEvent, None]:
        """Yield a snapshot, then the journal from the token on, then live events until the end.

        Raises:
            NotFound: There is no such job, or it is somebody else's.
            InvalidArgument: The token or a filter is not valid.
            OutOfRange: The journal no longer holds all that follows the token (reason
                RESUME_TOKEN_EXPIRED).
        """
        position = parse_resume_token(request.resume_token, request.job_id)
        wanted = _wanted_kinds(request)
        async with self._feed.follow(request.job_id) as follower:
            job = await self._journal.snapshot(request.job_id)
            _require_reached(position, job)
            _require_kept(position, job)
            yield _snapshot_event(job, position)
            if job.state in TERMINAL_STATES and position == job.last_sequence:
                return
            async with (
                aclosing(self._ordered(follower, request.job_id, position)) as events,
                aclosing(self._selected(events, request.job_id, wanted, position)) as selected,
            ):
                async for event in selected:
                    yield event

    async def _selected(
        self,
        events: AsyncIterator[JobEvent | None],
        job_id: str,
        wanted: frozenset[str],
        position: int,
    ) -> AsyncGenerator[JobEvent, None]:
        """Yield what the client asked for, heartbeats in silence, and end after the last event."""
        loop = asyncio.get_running_loop()
        sent, sent_at = position, loop.time()
        async for event in events:
            if event is not None:
                position = event.sequence
            if event is not None and (is_terminal(event) or event.WhichOneof("event") in wanted):
                # Followers share a live event; all of them write the same token into it.
                event.resume_token = resume_token(job_id, position)
                sent, sent_at = position, loop.time()
                yield event
                if is_terminal(event):
                    return
            elif loop.time() - sent_at >= self._heartbeat_seconds:
                sent_at = loop.time()
                yield _heartbeat_event(job_id, sent, position)

    async def _ordered(
        self, follower: Follower, job_id: str, position: int
    ) -> AsyncGenerator[JobEvent | None, None]:
        """Yield every event after `position` once and in order; None: nothing happened.

        A reader that fell behind gets metric and progress events merged until it has caught up.
        """
        live: JobEvent | None = None
        while True:
            if live is not None and live.sequence == position + 1:
                position = live.sequence
                yield live
            elif live is None or live.sequence > position:
                missed = await self._journal.read(job_id, position, _PAGE)
                tell = merged if follower.fell_behind else covering
                for event in tell(missed, position):
                    position = event.sequence
                    yield event
                if len(missed) == _PAGE:
                    continue
                follower.fell_behind = False
                if not missed:
                    yield None
            live = await follower.next(self._patience_seconds)

    @property
    def _patience_seconds(self) -> float:
        return self._heartbeat_seconds / 3 if self._feed.healthy else self._poll_seconds


def resume_token(job_id: str, sequence: int) -> str:
    """Return the token with which a watch goes on after an event."""
    return base64.urlsafe_b64encode(f"{job_id}:{sequence}".encode()).decode().rstrip("=")


def parse_resume_token(token: str, job_id: str) -> int:
    """Return the sequence after which a watch starts; 0 for an empty token.

    Raises:
        InvalidArgument: The token is damaged or another job's (reason RESUME_TOKEN_INVALID).
    """
    if not token:
        return 0
    try:
        plain = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode("ascii")
    except ValueError as error:
        raise _token_invalid(job_id) from error
    job, _, sequence = plain.partition(":")
    if job != job_id or _SEQUENCE.fullmatch(sequence) is None:
        raise _token_invalid(job_id)
    return int(sequence)


def is_terminal(event: JobEvent) -> bool:
    """Tell whether an event is the last one of its job."""
    return (
        event.WhichOneof("event") == "state_changed"
        and event.state_changed.to_state in TERMINAL_STATES
    )


def _require_reached(position: int, job: job_pb2.Job) -> None:
    if position > job.last_sequence:
        raise _token_invalid(job.job_id)


def _require_kept(position: int, job: job_pb2.Job) -> None:
    if 0 < position < job.pruned_sequence:
        raise OutOfRange(
            f"resume_token leads to event {position} of job {job.job_id}, and metric and progress "
            f"events up to {job.pruned_sequence} are not all kept: watch without a token",
            reason="RESUME_TOKEN_EXPIRED",
            field="resume_token",
        )


def _token_invalid(job_id: str) -> InvalidArgument:
    return InvalidArgument(
        f"resume_token is not one that an event of job {job_id[:64]!r} carried",
        reason="RESUME_TOKEN_INVALID",
        field="resume_token",
    )


def _wanted_kinds(request: WatchRequest) -> frozenset[str]:
    """Return the oneof fields that a client wants to see; `event_types` names them in capitals."""
    if not request.event_types:
        return _KINDS
    known = JobEventType.DESCRIPTOR.values_by_number
    for number in request.event_types:
        if number not in known or number == job_event_pb2.JOB_EVENT_TYPE_UNSPECIFIED:
            raise InvalidArgument(
                f"event_types has {number}; allowed are the names of JobEventType but UNSPECIFIED",
                reason="EVENT_TYPE_INVALID",
                field="event_types",
            )
    names = (JobEventType.Name(number) for number in request.event_types)
    return frozenset(name.removeprefix("JOB_EVENT_TYPE_").lower() for name in names)


def _snapshot_event(job: job_pb2.Job, position: int) -> JobEvent:
    # Its token leads to where the stream goes on, so that a client which breaks off right after
    # the snapshot still gets the journal.
    event = JobEvent(
        sequence=job.last_sequence,
        resume_token=resume_token(job.job_id, position),
        attempt=job.attempt,
        job_id=job.job_id,
        snapshot=job,
    )
    event.event_time.GetCurrentTime()
    return event


def _heartbeat_event(job_id: str, sent: int, position: int) -> JobEvent:
    event = JobEvent(
        sequence=sent,
        resume_token=resume_token(job_id, position),
        job_id=job_id,
        heartbeat=job_event_pb2.Heartbeat(),
    )
    event.event_time.GetCurrentTime()
    return event
