"""Starts jobs that only report, the way services do."""

import json
import uuid
from pathlib import Path

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage

from benchmarks.processes import Processes
from benchmarks.reporting_worker import SERVICE
from omniscope.automl.v1.automl_service_pb2 import TrainRequest
from omniscope.common.v1.job_input_pb2 import JobInput
from omniscope.registry.v1.job_intake_service_pb2 import SubmitJobRequest
from omniscope.registry.v1.job_intake_service_pb2_grpc import JobIntakeServiceStub
from omniscope_client.client import Client

PENGUINS = Path(__file__).parents[1] / "examples" / "data" / "penguins.csv"
HARD_LIMIT_SECONDS = 600


class ReportingJobs:
    """Jobs of one registry with a worker of theirs.

    Args:
        processes: Those that run; the registry is among them.
    """

    def __init__(self, processes: Processes) -> None:
        self._home = processes.home
        user, service = ((self._home / name).read_text() for name in ("token", "service-token"))
        self._metadata = (("authorization", f"Bearer {service}"), ("omniscope-caller-token", user))
        self._channel = grpc.insecure_channel(processes.registry)
        with Client(processes.registry, user) as client:
            self._dataset_id = client.datasets.upload(PENGUINS).dataset_id

    def submit(self, *, points: int, pause_seconds: float) -> str:
        """Starts a job that reports once `begin` was called; returns its id."""
        self._start_file = self._home / f"start-{uuid.uuid4()}"
        spec = {
            "start_file": str(self._start_file),
            "points": points,
            "pause_seconds": pause_seconds,
        }
        config = AnyMessage()
        config.Pack(TrainRequest(dataset_id=self._dataset_id))
        request = SubmitJobRequest(
            service=SERVICE,
            model_type="benchmark",
            config=config,
            inputs=[JobInput(role="training", dataset_id=self._dataset_id)],
            model_name="none",
            description=json.dumps(spec),
            hard_limit_seconds=HARD_LIMIT_SECONDS,
        )
        intake = JobIntakeServiceStub(self._channel)
        return intake.SubmitJob(request, metadata=self._metadata, timeout=30).job_id

    def begin(self) -> None:
        """Lets the job that was submitted last report."""
        self._start_file.touch()

    def close(self) -> None:
        """Closes the channel."""
        self._channel.close()
