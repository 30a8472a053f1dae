"""Reads the candidates of a search from the job's journal, where they are never pruned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omniscope.common.v1 import job_event_pb2
from omniscope.registry.v1 import job_service_pb2

if TYPE_CHECKING:
    from omniscope.common.v1.job_event_pb2 import JobEvent, LeaderboardEntry
    from omniscope_service.registry_client import RegistryClient

_PAGE = 500


async def read_candidates(registry: RegistryClient, job_id: str) -> list[LeaderboardEntry]:
    """Return every leaderboard entry that a job's newest attempt has reported, oldest first.

    What an attempt trained that was lost is not in the model that the next one makes.

    Raises:
        NotFound: There is no such job, or it is somebody else's.
    """
    request = job_service_pb2.ListJobEventsRequest(
        job_id=job_id,
        event_types=[job_event_pb2.JOB_EVENT_TYPE_LEADERBOARD_ENTRY],
        page_size=_PAGE,
    )
    reported: list[JobEvent] = []
    while True:
        page = await registry.jobs.ListJobEvents(request)
        reported += page.events
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    newest = max((event.attempt for event in reported), default=0)
    return [event.leaderboard_entry for event in reported if event.attempt == newest]
