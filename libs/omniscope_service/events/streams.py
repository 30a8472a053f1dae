"""The JetStream streams of the suite and how they are made."""

from typing import Any

from omniscope_service.events import subjects
from omniscope_service.events.nats_client import api, stream_errors

_MIB = 1024 * 1024
_DUPLICATE_WINDOW_SECONDS = 120
_DAY_SECONDS = 86_400
_NAME_IN_USE = 10058

# Hints: the newest one of a subject says all that those before it did, so the stream never fills.
_JOBS = api.StreamConfig(
    name=subjects.JOBS_STREAM,
    subjects=[subjects.ALL_RUN_HINTS],
    retention=api.RetentionPolicy.WORK_QUEUE,
    storage=api.StorageType.FILE,
    discard=api.DiscardPolicy.OLD,
    max_msgs_per_subject=1,
    max_msg_size=16 * 1024,
    duplicate_window=_DUPLICATE_WINDOW_SECONDS,
)

# Notifications live in memory: the registry's journal holds the same events for good.
_EVENTS = api.StreamConfig(
    name=subjects.EVENTS_STREAM,
    subjects=[subjects.ALL_JOB_EVENTS, subjects.ALL_MODEL_EVENTS],
    retention=api.RetentionPolicy.LIMITS,
    storage=api.StorageType.MEMORY,
    discard=api.DiscardPolicy.OLD,
    max_age=_DAY_SECONDS,
    max_bytes=64 * _MIB,
    max_msg_size=64 * 1024,
    max_msgs_per_subject=1000,
    duplicate_window=_DUPLICATE_WINDOW_SECONDS,
)


async def make_streams(jetstream: Any, replicas: int) -> None:
    """Make the streams, or bring existing ones up to date. Idempotent.

    Args:
        jetstream: nats-py's JetStream context.
        replicas: Copies of each stream; 1 with a single broker, 3 in a cluster.
    """
    for config in (_JOBS, _EVENTS):
        wanted = config.evolve(num_replicas=replicas)
        try:
            await jetstream.add_stream(wanted)
        except stream_errors.BadRequestError as error:
            if error.err_code != _NAME_IN_USE:
                raise
            await jetstream.update_stream(wanted)
