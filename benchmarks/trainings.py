"""Starts trainings the way a backend does: generated stubs, the gateway's address, the token."""

import json
from collections.abc import Iterator
from pathlib import Path

import grpc

from benchmarks.local_suite import omniscope, state
from omniscope.automl.v1 import automl_service_pb2, automl_service_pb2_grpc
from omniscope.common.v1 import job_event_pb2, job_pb2, model_pb2
from omniscope.registry.v1 import (
    job_service_pb2,
    job_service_pb2_grpc,
    model_service_pb2,
    model_service_pb2_grpc,
)

DEADLINE_SECONDS = 900


class Trainings:
    """A client of one running suite."""

    def __init__(self, home: Path) -> None:
        token = (home / "token").read_text().strip()
        self._home = home
        self._metadata = (("authorization", f"Bearer {token}"),)
        self._channel = grpc.insecure_channel(str(state(home)["gateway"]["address"]))
        self._automl = automl_service_pb2_grpc.AutoMLServiceStub(self._channel)
        self._jobs = job_service_pb2_grpc.JobServiceStub(self._channel)
        self._models = model_service_pb2_grpc.ModelServiceStub(self._channel)

    def upload(self, path: Path, name: str) -> None:
        """Uploads a CSV or Parquet file under a name."""
        omniscope(self._home, "datasets", "upload", str(path), "--name", name)

    def train(self, request: automl_service_pb2.TrainRequest) -> str:
        """Starts a training and returns its job's id."""
        job = self._automl.Train(request, metadata=self._metadata, timeout=60)
        return job.job_id

    def watch(self, job_id: str) -> Iterator[job_event_pb2.JobEvent]:
        """Yields a job's events until it has ended."""
        request = job_event_pb2.WatchRequest(job_id=job_id)
        yield from self._automl.WatchTraining(
            request, metadata=self._metadata, timeout=DEADLINE_SECONDS
        )

    def finish(self, job_id: str) -> model_pb2.ModelResults:
        """Waits for a job and returns the results of its model.

        Raises:
            RuntimeError: The job did not succeed.
        """
        *_, last = self.watch(job_id)
        if last.state_changed.to_state != job_pb2.JOB_STATE_SUCCEEDED:
            raise RuntimeError(f"job {job_id} ended as {json.dumps(str(last.state_changed))}")
        return self._models.GetModelResults(
            model_service_pb2.GetModelResultsRequest(model_id=last.state_changed.model_id),
            metadata=self._metadata,
            timeout=60,
        )

    def cancel(self, job_id: str) -> None:
        """Cancels a job and waits until it has ended."""
        request = job_service_pb2.CancelJobRequest(job_id=job_id)
        self._jobs.CancelJob(request, metadata=self._metadata, timeout=60)
        for _ in self.watch(job_id):
            pass

    def close(self) -> None:
        """Closes the channel."""
        self._channel.close()
