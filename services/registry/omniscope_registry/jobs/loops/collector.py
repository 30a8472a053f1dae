"""Removes what attempts left in the artifact store, once nobody can need it any more."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import structlog
from sqlalchemy import delete, select, update

from omniscope_registry.jobs.domain import SUCCEEDED, artifacts_prefix
from omniscope_registry.periodic import repeat
from omniscope_registry.tables.jobs import job_attempts, job_checkpoints, training_jobs
from omniscope_service.errors import ServiceError

if TYPE_CHECKING:
    from omniscope_registry.database import Database
    from omniscope_service.artifacts import ArtifactStore

_PAUSE = timedelta(minutes=1)
_BATCH = 100
_ATTEMPTS = job_attempts.c
_log = structlog.get_logger(__name__)


class _Attempt(NamedTuple):
    job_id: str
    attempt: int
    nonce: str
    outcome: str

    @property
    def garbage(self) -> str:
        """Prefix of what goes: of the attempt that made the result, its checkpoints only."""
        prefix = artifacts_prefix(self.job_id, self.attempt, self.nonce)
        return f"{prefix}/checkpoints" if self.outcome == SUCCEEDED else prefix


class AttemptCollector:
    """Collects the attempts of jobs that have ended.

    Every step may be repeated, and done by several registries at the same time.

    Args:
        database: Where the jobs are.
        artifacts: Where their attempts wrote.
        kept: How long everything stays after the end of its job, for whoever wants to look.
    """

    def __init__(self, database: Database, artifacts: ArtifactStore, kept: timedelta) -> None:
        self._database = database
        self._artifacts = artifacts
        self._kept = kept

    async def run(self) -> None:
        """Collect until cancelled."""
        await repeat(self.collect, _PAUSE)

    async def collect(self) -> int:
        """Collect what is due; return how many attempts that were, at most 100.

        What the artifact store does not delete comes again, and keeps nothing else waiting.
        """
        collected = 0
        for attempt in await self._due():
            try:
                await self._artifacts.delete_prefix(attempt.garbage)
            except ServiceError as error:
                _log.warning("attempt not collected", job_id=attempt.job_id, reason=error.reason)
                continue
            await self._note(attempt)
            collected += 1
        if collected:
            _log.info("attempts collected", count=collected)
        return collected

    async def _due(self) -> list[_Attempt]:
        query = (
            select(*(_ATTEMPTS[name] for name in _Attempt._fields))
            .join(training_jobs, training_jobs.c.id == _ATTEMPTS.job_id)
            .where(
                _ATTEMPTS.collected_at.is_(None),
                training_jobs.c.completed_at < self._database.now(-self._kept),
            )
            .order_by(_ATTEMPTS.job_id, _ATTEMPTS.attempt)
            .limit(_BATCH)
        )
        async with self._database.scan(own=True) as conn:
            return [_Attempt(*row) for row in await conn.execute(query)]

    async def _note(self, attempt: _Attempt) -> None:
        """Forget the checkpoints, which are gone, and do not come back to the attempt."""
        stored = job_checkpoints.c
        async with self._database.write() as conn:
            await conn.execute(
                delete(job_checkpoints).where(
                    stored.job_id == attempt.job_id, stored.attempt == attempt.attempt
                )
            )
            await conn.execute(
                update(job_attempts)
                .where(_ATTEMPTS.job_id == attempt.job_id, _ATTEMPTS.attempt == attempt.attempt)
                .values(collected_at=self._database.now())
            )
