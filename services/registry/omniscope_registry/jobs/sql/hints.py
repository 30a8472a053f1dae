"""Hints to workers: that a job waits, and that a running one should ask what is wanted of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from omniscope.events.v1.control_hint_pb2 import ControlHint
from omniscope.events.v1.run_hint_pb2 import RunHint
from omniscope_registry.outbox import Notice
from omniscope_service.errors import Unavailable
from omniscope_service.events import subjects

if TYPE_CHECKING:
    from omniscope_registry.jobs.values import JobRow
    from omniscope_service.events.bus import EventBus

_VERSION = 1
_log = structlog.get_logger(__name__)


def run_hint(job: JobRow) -> Notice:
    """Make the hint that a queued job waits; `job.nudge` says which one it is.

    The id names attempt and nudge, or the broker would take a later hint for a repetition.
    """
    hint = RunHint(version=_VERSION, job_id=job.id, nudge=job.nudge)
    return Notice(
        subject=subjects.run_hint(job.service, job.resource_class),
        payload=hint.SerializeToString(),
        message_id=f"run:{job.id}:{job.attempt + 1}:{job.nudge}",
        job_id=job.id,
    )


async def notify_worker(bus: EventBus, job_id: str) -> None:
    """Have the worker of a running job send a heartbeat at once.

    A hint that cannot be sent costs time only: the next heartbeat learns the same.
    """
    hint = ControlHint(version=_VERSION, job_id=job_id)
    try:
        await bus.notify(subjects.control(job_id), hint.SerializeToString())
    except Unavailable as error:
        _log.warning("control hint not sent", job_id=job_id, reason=error.reason)
