"""A job whose journal is kept here and announced on a real broker, as the registry does."""

from ulid import ULID

from omniscope.common.v1 import job_event_pb2 as events
from omniscope.common.v1 import job_pb2
from omniscope.common.v1.job_event_pb2 import JobEvent, WatchRequest
from omniscope_service.errors import NotFound
from omniscope_service.events import subjects


class StoredJob:
    """A job whose journal is kept here and announced on a real broker, as the registry does."""

    def __init__(self, bus):
        self.bus = bus
        self.job = job_pb2.Job(job_id=str(ULID()), state=job_pb2.JOB_STATE_RUNNING)
        self.events = []
        self.reads = 0

    async def snapshot(self, job_id):
        if job_id != self.job.job_id:
            raise NotFound(f"There is no job {job_id!r}.", reason="JOB_NOT_FOUND")
        job = job_pb2.Job()
        job.CopyFrom(self.job)
        return job

    async def read(self, job_id, after, limit):
        self.reads += 1
        return [event for event in self.events if event.sequence > after][:limit]

    def store(self, **content):
        event = JobEvent(sequence=len(self.events) + 1, job_id=self.job.job_id, **content)
        self.events.append(event)
        self.job.last_sequence = event.sequence
        return event

    async def announce(self, event):
        kind = event.WhichOneof("event")
        subject = subjects.job_event(self.job.job_id, kind)
        await self.bus.publish(subject, event.SerializeToString(), message_id=str(ULID()))

    async def happen(self, **content):
        await self.announce(self.store(**content))

    async def metric(self, step):
        await self.happen(metric=events.MetricPoint(name="loss", step=step))

    async def end(self):
        self.job.state = job_pb2.JOB_STATE_SUCCEEDED
        await self.happen(state_changed=ended())

    def request(self, **fields):
        return WatchRequest(job_id=self.job.job_id, **fields)


def ended():
    return events.StateChanged(
        from_state=job_pb2.JOB_STATE_RUNNING, to_state=job_pb2.JOB_STATE_SUCCEEDED
    )


def kinds(seen):
    return [event.WhichOneof("event") for event in seen]


def sequences(seen):
    return [event.sequence for event in seen]


async def collect(watcher, request):
    return [event async for event in watcher.watch(request)]


async def take(stream, count):
    return [await anext(stream) for _ in range(count)]
