"""Registers many small models the way workers do: submit, claim, upload a package, complete."""

import asyncio
import hashlib
import json
import uuid
from collections.abc import Mapping
from pathlib import Path

import grpc
from google.protobuf import any_pb2

from omniscope.automl.v1 import automl_service_pb2
from omniscope.common.v1 import job_input_pb2
from omniscope.registry.v1 import (
    job_intake_service_pb2,
    job_intake_service_pb2_grpc,
    worker_service_pb2,
    worker_service_pb2_grpc,
)

# No worker listens to this service's hints, so that the seeder gets every job.
SERVICE = "benchmark"
TOKEN_FILES = ("token", "service-token", "worker-token")
WORKER_ID = "01BX5ZZKBKACTAV9WEVGEMMVRZ"
RESULTS = {
    "problem_type": "multiclass",
    "target_column": "species",
    "classes": ["Adelie", "Chinstrap", "Gentoo"],
    "best_model": "LightGBM",
    "eval_metric": "accuracy",
    "metrics": [{"split": "test", "rows": 69, "values": {"accuracy": 0.98, "f1": 0.97}}],
    "leaderboard": [],
    "training_seconds": 1.0,
    "train_rows": 275,
    "test_rows": 69,
}
MANIFEST = {
    "format_version": 1,
    "kind": "benchmark",
    "architecture": "LightGBM",
    "problem_type": "multiclass",
    "target_column": "species",
    "classes": ["Adelie", "Chinstrap", "Gentoo"],
    "features": [{"name": "bill_length_mm", "type": "float64"}],
}


class ModelSeeder:
    """Plays service and worker against one registry."""

    def __init__(self, home: Path, channel: grpc.aio.Channel, dataset_id: str) -> None:
        tokens = {name: (home / name).read_text().strip() for name in TOKEN_FILES}
        self._artifacts = home / "artifacts"
        self._dataset_id = dataset_id
        self._intake = job_intake_service_pb2_grpc.JobIntakeServiceStub(channel)
        self._workers = worker_service_pb2_grpc.WorkerServiceStub(channel)
        self._as_service = (
            ("authorization", f"Bearer {tokens['service-token']}"),
            ("omniscope-caller-token", tokens["token"]),
        )
        self._as_worker = (("authorization", f"Bearer {tokens['worker-token']}"),)

    async def register(self, name: str) -> str:
        """Registers one model under a name and returns its id."""
        config = any_pb2.Any()
        config.Pack(automl_service_pb2.TrainRequest(dataset_id=self._dataset_id))
        await self._intake.SubmitJob(
            job_intake_service_pb2.SubmitJobRequest(
                service=SERVICE,
                model_type="benchmark",
                config=config,
                inputs=[job_input_pb2.JobInput(role="training", dataset_id=self._dataset_id)],
                model_name=name,
                hard_limit_seconds=600,
            ),
            metadata=self._as_service,
            timeout=30,
        )
        claimed = await self._workers.ClaimJob(
            worker_service_pb2.ClaimJobRequest(
                worker_id=WORKER_ID,
                claim_id=str(uuid.uuid4()),
                service=SERVICE,
                resource_class="cpu",
            ),
            metadata=self._as_worker,
            timeout=30,
        )
        key = f"{claimed.artifacts_prefix.rstrip('/')}/package"
        digest = await asyncio.to_thread(write_package, self._artifacts / key, claimed.lease)
        completed = await self._workers.CompleteJob(
            worker_service_pb2.CompleteJobRequest(
                lease=claimed.lease, package_key=key, manifest_digest=digest
            ),
            metadata=self._as_worker,
            timeout=30,
        )
        return completed.model_id


def write_package(folder: Path, lease: worker_service_pb2.AttemptLease) -> str:
    """Writes the smallest package of an attempt and returns its manifest's digest."""
    folder.mkdir(parents=True)
    results = json.dumps(RESULTS).encode()
    (folder / "results.json").write_bytes(results)
    attempt = {"job_id": lease.job_id, "attempt": lease.attempt}
    files = {"results.json": entry(results)}
    manifest = json.dumps({**MANIFEST, **attempt, "files": files}).encode()
    (folder / "manifest.json").write_bytes(manifest)
    return hashlib.sha256(manifest).hexdigest()


def entry(content: bytes) -> Mapping[str, object]:
    """Returns a file's entry in the manifest."""
    return {"sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}
