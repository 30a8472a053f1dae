"""Collects what the invariants are checked against: history, database, artifact store."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Row, Table, select
from sqlalchemy.ext.asyncio import create_async_engine

from omniscope.common.v1.job_event_pb2 import JobEvent
from omniscope_registry.packages.signing import ManifestSigner
from omniscope_registry.tables.jobs import job_attempts, job_events, training_jobs
from omniscope_registry.tables.models import ml_models
from tests.faults.history import Entry, History


@dataclass(frozen=True)
class Evidence:
    """Everything that is known when the faults are over.

    Attributes:
        history: What was told and done, oldest first.
        jobs: Rows by id.
        attempts: Rows by job, in order.
        events: Journals by job, in order.
        models: Rows by job.
        store: Folder of the artifact store.
        public_key: PEM of the key that signs manifests.
        now: When the database was read.
    """

    history: Sequence[Entry]
    jobs: Mapping[str, Row[Any]]
    attempts: Mapping[str, Sequence[Row[Any]]]
    events: Mapping[str, Sequence[JobEvent]]
    models: Mapping[str, Sequence[Row[Any]]]
    store: Path
    public_key: bytes
    now: datetime

    def told(self, what: str) -> list[Entry]:
        """Return the history's entries of one kind."""
        return [entry for entry in self.history if entry["what"] == what]

    def seen(self) -> dict[str, list[Entry]]:
        """Return what polls have answered, by job."""
        found = defaultdict(list)
        for entry in self.told("seen"):
            found[entry["job_id"]].append(entry)
        return found


async def collect(home: Path, database_url: str) -> Evidence:
    """Read what a cluster has left; none of its processes runs any more."""
    rows = await _rows(database_url, training_jobs, job_attempts, job_events, ml_models)
    journals = defaultdict(list)
    for row in rows["job_events"]:
        event = JobEvent.FromString(row.payload)
        event.sequence = row.sequence
        journals[row.job_id].append(event)
    return Evidence(
        history=History(home).entries(),
        jobs={row.id: row for row in rows["training_jobs"]},
        attempts=_by_job(rows["job_attempts"]),
        events=journals,
        models=_by_job(rows["ml_models"]),
        store=home / "artifacts",
        public_key=ManifestSigner.open(home / "signing-key").public_key,
        now=datetime.now(UTC),
    )


async def _rows(database_url: str, *tables: Table) -> dict[str, Sequence[Row[Any]]]:
    engine = create_async_engine(database_url)
    try:
        async with engine.connect() as conn:
            return {
                table.name: (
                    await conn.execute(select(table).order_by(*table.primary_key.columns))
                ).all()
                for table in tables
            }
    finally:
        await engine.dispose()


def _by_job(rows: Sequence[Row[Any]]) -> Mapping[str, Sequence[Row[Any]]]:
    found = defaultdict(list)
    for row in rows:
        found[row.job_id].append(row)
    return found
