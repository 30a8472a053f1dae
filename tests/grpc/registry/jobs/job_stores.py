"""The registry's stores of jobs without a server in front, for tests of what they promise."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from google.protobuf.any_pb2 import Any as AnyMessage
from sqlalchemy import ColumnElement, Table, literal, select
from ulid import ULID

from omniscope.automl.v1.automl_service_pb2 import TrainRequest
from omniscope.common.v1.dataset_pb2 import DatasetColumn
from omniscope.common.v1.job_event_pb2 import JobEvent, Progress
from omniscope_registry.artifacts.registrar import ArtifactRegistrar
from omniscope_registry.artifacts.store_sql import SqlArtifactStore
from omniscope_registry.database import Database
from omniscope_registry.datasets.records import NewDataset
from omniscope_registry.datasets.store_sql import SqlDatasetStore
from omniscope_registry.jobs.completion import Completion
from omniscope_registry.jobs.domain import Cause, Failure, JobTimes, Lease
from omniscope_registry.jobs.sql.attempts import SqlAttemptStore
from omniscope_registry.jobs.sql.claims import SqlClaims
from omniscope_registry.jobs.sql.inputs import JobInputs
from omniscope_registry.jobs.sql.reports import SqlReportStore
from omniscope_registry.jobs.sql.store import SqlJobStore
from omniscope_registry.jobs.values import InputKind, JobInput, JobRow, NewJob
from omniscope_registry.jobs.verifications import PackageVerifications
from omniscope_registry.jobs.worker_values import Claim, Grant, Reported
from omniscope_registry.models.registrar import ModelRegistrar
from omniscope_registry.models.store_sql import SqlModelStore
from omniscope_registry.packages.signing import ManifestSigner
from omniscope_registry.packages.verifier import PackageVerifier
from omniscope_registry.tables.jobs import training_jobs
from omniscope_registry.tables.metadata import UtcTimestamp
from omniscope_service.artifacts import ArtifactStore

TIMES = JobTimes()
START = datetime(2031, 1, 1, tzinfo=UTC)
"""Where the clock of `StandingDatabase` starts; no wall clock is near it."""
_WORKER_ID = str(ULID())


class StandingDatabase(Database):
    """A database whose clock moves only when a test moves it on."""

    seconds = 0.0

    def now(self, offset: timedelta = timedelta(0)) -> ColumnElement[datetime]:
        return literal(START + timedelta(seconds=self.seconds) + offset, UtcTimestamp())


@dataclass(frozen=True)
class Held:
    """What a worker has in its hands after a claim."""

    claim_id: str
    lease: Lease
    prefix: str

    @classmethod
    def from_grant(cls, claim_id: str, grant: Grant) -> Held:
        lease = Lease(grant.job.id, grant.job.attempt, grant.token)
        return cls(claim_id, lease, grant.artifacts_prefix)


class JobStores:
    """Every store that moves a job, over one database; `ada` owns all jobs."""

    def __init__(self, database: Database, folder: Path, dataset_id: str) -> None:
        self.database = database
        self.artifacts = ArtifactStore.open((folder / "artifacts").as_uri())
        self._dataset_id = dataset_id
        models = SqlModelStore(database)
        inputs = JobInputs(SqlDatasetStore(database), models)
        self._jobs = SqlJobStore(database, inputs)
        self._claims = SqlClaims(database, TIMES)
        self.attempts = SqlAttemptStore(database, TIMES)
        self._reports = SqlReportStore(database)
        signer = ManifestSigner.open(folder / "signing-key")
        verifier = PackageVerifier(self.artifacts, signer)
        made = SqlArtifactStore(database, timedelta(days=30))
        self._completion = Completion(
            self.attempts,
            ModelRegistrar(models, self.artifacts, verifier),
            ArtifactRegistrar(made, self.artifacts, verifier),
            PackageVerifications(),
        )

    @classmethod
    async def open(cls, database: Database, folder: Path) -> JobStores:
        """Return the stores with a dataset to submit jobs for."""
        return cls(database, folder, await add_dataset(database))

    async def submit(
        self, request_id: str | None = None, payload: str = "", deadline_seconds: int = 0
    ) -> str:
        """Submit as `JobIntake` does; return the job's id."""
        digest = hashlib.sha256(payload.encode()).hexdigest() if request_id else None
        earlier = await self._jobs.submitted("ada", request_id, digest)
        new = _new_job(self._dataset_id, request_id, digest, deadline_seconds)
        job = earlier or await self._jobs.submit(new)
        return job.id

    async def claim(self, claim_id: str = "") -> Held | None:
        """Claim the next job."""
        claim_id = claim_id or str(uuid.uuid4())
        grant = await self._claims.claim(Claim(_WORKER_ID, claim_id, "automl", "cpu"))
        return None if grant is None else Held.from_grant(claim_id, grant)

    async def running(self, **fields: Any) -> Held:
        """Submit a job and claim it, and what waits before it."""
        job_id = await self.submit(**fields)
        while (held := await self.claim()) is not None:
            if held.lease.job_id == job_id:
                return held
        raise LookupError(f"job {job_id} does not wait")

    async def report(self, lease: Lease, number: int) -> int:
        event = JobEvent(progress=Progress(percent=number, phase="training"))
        return await self._reports.report(lease, [Reported(number, event)])

    async def complete(self, held: Held, lease: Lease | None = None) -> str:
        """Upload a package and complete; `lease` when it is not the one that was granted."""
        made_by = held.lease.job_id, held.lease.attempt
        key, digest = await put_package(self.artifacts, held.prefix, *made_by)
        result = await self._completion.complete(
            lease or held.lease, key, digest, stopped_early=False
        )
        assert result is not None
        return str(result.model_id)

    async def fail(self, lease: Lease, cause: str) -> str:
        error = {"code": "INTERNAL", "reason": "SOME_REASON", "message": "No.", "field": ""}
        return (await self.attempts.fail(lease, Failure(Cause(cause), error))).value

    async def cancel(self, job_id: str) -> str:
        return (await self._jobs.cancel("ada", job_id, "")).status

    async def job(self, job_id: str) -> JobRow:
        (row,) = await self.rows(training_jobs, training_jobs.c.id == job_id)
        return JobRow.from_row(row)

    async def rows(self, table: Table, *conditions: ColumnElement[bool]) -> Sequence[Any]:
        """Return rows of a table, ordered by its key."""
        query = select(table).where(*conditions).order_by(*table.primary_key.columns)
        async with self.database.read() as conn:
            return (await conn.execute(query)).all()


async def put_package(
    artifacts: ArtifactStore, prefix: str, job_id: str, attempt: int
) -> tuple[str, str]:
    """Upload the smallest package that verifies; return its key and its manifest's hash."""
    key = f"{prefix}/package"
    results = json.dumps({"problem_type": "binary", "target_column": "outcome"}).encode()
    file = {"sha256": hashlib.sha256(results).hexdigest(), "size_bytes": len(results)}
    manifest = {
        "format_version": 1,
        "kind": "automl.tabular",
        "architecture": "WeightedEnsemble_L2",
        "problem_type": "binary",
        "target_column": "outcome",
        "classes": ["no", "yes"],
        "features": [{"name": "gene1", "type": "float"}],
        "job_id": job_id,
        "attempt": attempt,
        "files": {"results.json": file},
    }
    data = json.dumps(manifest).encode()
    await artifacts.put_bytes(f"{key}/results.json", results)
    await artifacts.put_bytes(f"{key}/manifest.json", data)
    return key, hashlib.sha256(data).hexdigest()


async def add_dataset(database: Database) -> str:
    """Store a dataset of `ada` and return its id."""
    dataset = NewDataset(
        owner="ada",
        name="genes",
        description="",
        source_format="csv",
        source_digest="a" * 64,
        digest="b" * 64,
        row_count=10,
        column_count=2,
        size_bytes=100,
        missing_count=0,
        column_types={"float": 2},
        likely_key_columns=[],
        request_id=None,
        request_hash=None,
        created_by="ada",
    )
    columns = [DatasetColumn(name="gene1")]
    return (await SqlDatasetStore(database).insert(dataset, columns)).id


def _new_job(
    dataset_id: str, request_id: str | None, digest: str | None, deadline_seconds: int
) -> NewJob:
    config = AnyMessage()
    config.Pack(TrainRequest(dataset_id=dataset_id, target_column="outcome"))
    return NewJob(
        owner="ada",
        service="automl",
        resource_class="cpu",
        model_type="automl.tabular",
        model_name="outcome-model",
        inputs=[JobInput("training", InputKind.DATASET, dataset_id)],
        artifact_kind="",
        experiment="default",
        description="",
        tags={},
        warnings=[],
        config=config.SerializeToString(),
        column_lists={},
        hard_limit_seconds=600,
        request_id=request_id,
        request_hash=digest,
        deadline_seconds=deadline_seconds,
    )
