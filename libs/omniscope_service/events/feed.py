"""One subscription to all job events per process, shared by every open watch."""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog
from google.protobuf.message import DecodeError

from omniscope.common.v1.job_event_pb2 import JobEvent
from omniscope_service.events import subjects
from omniscope_service.events.bus import EventBus, Message

_FOLLOWER_EVENTS = 1000

_log = structlog.get_logger()


class Follower:
    """Live events of one job for one watch.

    When its reader falls behind, the oldest events are dropped: the hole in the sequence sends the
    reader to the journal, so that a slow client costs a bounded amount of memory and no event.

    Attributes:
        fell_behind: Whether events were dropped since the reader last caught up.
    """

    def __init__(self) -> None:
        self.fell_behind = False
        self._events: deque[JobEvent] = deque(maxlen=_FOLLOWER_EVENTS)
        self._arrived = asyncio.Event()

    def push(self, event: JobEvent) -> None:
        """Add an event; it is shared with other followers and must not be changed."""
        self.fell_behind = self.fell_behind or len(self._events) == _FOLLOWER_EVENTS
        self._events.append(event)
        self._arrived.set()

    async def next(self, timeout_seconds: float) -> JobEvent | None:
        """Return the next event, or None when none came in time."""
        if not self._events:
            self._arrived.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_seconds):
                    await self._arrived.wait()
        return self._events.popleft() if self._events else None


class JobEventFeed:
    """Listens on the bus while anybody follows a job, and dispatches events by job."""

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus
        self._followers: defaultdict[str, set[Follower]] = defaultdict(set)
        self._listening: asyncio.Task[None] | None = None
        self._subscribed = asyncio.Event()

    @property
    def healthy(self) -> bool:
        """True while live events can be expected."""
        listening = self._listening is not None and not self._listening.done()
        return self._bus.healthy and listening and self._subscribed.is_set()

    @asynccontextmanager
    async def follow(self, job_id: str) -> AsyncIterator[Follower]:
        """Collect a job's events from now on: those sent after the context was entered."""
        follower = Follower()
        self._followers[job_id].add(follower)
        try:
            await self._listen()
            yield follower
        finally:
            self._leave(job_id, follower)

    async def _listen(self) -> None:
        if self._listening is None or self._listening.done():
            self._subscribed = asyncio.Event()
            self._listening = asyncio.create_task(self._receive(self._subscribed))
        # Without a broker a watch starts nevertheless: it polls the journal.
        if self._bus.healthy:
            await self._subscribed.wait()

    async def _receive(self, subscribed: asyncio.Event) -> None:
        try:
            async with self._bus.subscribe(subjects.ALL_JOB_EVENTS) as messages:
                subscribed.set()
                async for message in messages:
                    self._dispatch(message)
        finally:
            subscribed.set()  # whoever waits goes on by polling

    def _dispatch(self, message: Message) -> None:
        followers = self._followers.get(subjects.job_of(message.subject))
        if followers:
            try:
                event = JobEvent.FromString(message.data)
            except DecodeError:
                _log.warning("malformed event dropped")
                return
            for follower in followers:
                follower.push(event)

    def _leave(self, job_id: str, follower: Follower) -> None:
        self._followers[job_id].discard(follower)
        if not self._followers[job_id]:
            del self._followers[job_id]
        if not self._followers and self._listening is not None:
            self._listening.cancel()
            self._listening = None
