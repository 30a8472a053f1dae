"""Positions of queued jobs: of one within its own statement, of all on a page at once."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, func, literal_column, select

from omniscope_registry.jobs.domain import JobState
from omniscope_registry.jobs.sql.state_literals import QUEUED
from omniscope_registry.tables.jobs import training_jobs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Row, ScalarSelect

    from omniscope_registry.database import Reader

COUNTED_POSITIONS: Final = 1000
"""Positions beyond this are not counted: nobody reads them."""


def jobs_ahead_of_row() -> ScalarSelect[int]:
    """Return how many jobs are queued before the row, at most `COUNTED_POSITIONS`."""
    waiting = training_jobs.alias("waiting")
    counted = (
        select(literal_column("1"))
        .where(
            waiting.c.status == QUEUED,
            waiting.c.service == training_jobs.c.service,
            waiting.c.resource_class == training_jobs.c.resource_class,
            waiting.c.id < training_jobs.c.id,
        )
        .limit(COUNTED_POSITIONS)
        .correlate(training_jobs)
        .subquery()
    )
    return select(func.count()).select_from(counted).scalar_subquery()


_JOBS = training_jobs.c
_QUEUE = (
    _JOBS.status == QUEUED,
    _JOBS.service == bindparam("service"),
    _JOBS.resource_class == bindparam("resource_class"),
)
_AHEAD = select(func.count()).select_from(
    select(literal_column("1"))
    .where(*_QUEUE, _JOBS.id < bindparam("first"))
    .limit(COUNTED_POSITIONS)
    .subquery()
)
_FROM_FIRST = (
    select(_JOBS.id)
    .where(*_QUEUE, _JOBS.id >= bindparam("first"), _JOBS.id <= bindparam("last"))
    .order_by(_JOBS.id)
    .limit(bindparam("uncounted"))
)


async def jobs_ahead(conn: Reader, jobs: Iterable[Row[Any]]) -> dict[str, int]:
    """Return how many jobs are queued before each queued one, at most `COUNTED_POSITIONS`, by id.

    Counted for each by itself, a long queue would be read once for every job of the page.

    Args:
        conn: Where the jobs were read.
        jobs: Rows of `training_jobs`; those that are not queued are passed over.
    """
    queues: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for job in jobs:
        if job.status == JobState.QUEUED:
            queues[job.service, job.resource_class].append(job.id)
    ahead: dict[str, int] = {}
    for (service, resource_class), ids in queues.items():
        queue = {"service": service, "resource_class": resource_class}
        ahead |= await _in_queue(conn, queue, sorted(ids))
    return ahead


async def _in_queue(conn: Reader, queue: dict[str, str], ids: list[str]) -> dict[str, int]:
    first = {**queue, "first": ids[0]}
    before: int = await conn.scalar(_AHEAD, first)
    uncounted = COUNTED_POSITIONS - before
    until_last = {**first, "last": ids[-1], "uncounted": uncounted}
    counted = (await conn.execute(_FROM_FIRST, until_last)).scalars().all()
    # By bisection: a job of the page may have left the queue meanwhile.
    return {job_id: before + bisect_left(counted, job_id) for job_id in ids}
