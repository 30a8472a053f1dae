"""Hints to workers: that work waits, and that a running job's should ask what is wanted of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from ulid import ULID

from omniscope.events.v1.control_hint_pb2 import ControlHint
from omniscope.events.v1.run_hint_pb2 import RunHint
from omniscope_registry.outbox import Notice
from omniscope_service.errors import Unavailable
from omniscope_service.events import subjects

if TYPE_CHECKING:
    from omniscope_registry.jobs.worker_values import WorkerKind
    from omniscope_service.events.bus import EventBus

_VERSION = 1
_log = structlog.get_logger(__name__)


def run_hint(kind: WorkerKind) -> Notice:
    """Make the hint that there is work for workers of a kind.

    No two have the same id: the broker would take the later one for a repetition and drop it.
    """
    return Notice(
        subject=subjects.run_hint(kind.service, kind.resource_class),
        payload=RunHint(version=_VERSION).SerializeToString(),
        message_id=f"run:{ULID()}",
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
