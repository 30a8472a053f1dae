"""One projection that cannot be written must not hold up the others."""

from typing import Any

import pytest

from omniscope.common.v1.job_pb2 import Job
from omniscope.registry.v1.projection_service_pb2 import Projection, RunStarted
from omniscope_registry.projection.projector import Written, write_page
from omniscope_service.errors import InvalidArgument


class ChokingWriter:
    """Cannot write the jobs of one name."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.started: list[str] = []

    def start_run(self, job: Job, started: RunStarted) -> None:
        if job.job_id == "poison":
            raise self.error
        self.started.append(job.job_id)


def run_started(number: int, job_id: str) -> Projection:
    return Projection(
        projection_id=number, job=Job(job_id=job_id), run_started=RunStarted(attempt=1)
    )


@pytest.mark.parametrize(
    "error", [ValueError("secret"), KeyError("x"), InvalidArgument("no", reason="FIELD_INVALID")]
)
def test_what_cannot_be_written_is_passed_over_and_the_rest_is_written(error: Exception) -> None:
    writer: Any = ChokingWriter(error)
    written = Written()

    write_page(writer, [run_started(1, "poison"), run_started(2, "good")], written)

    assert writer.started == ["good"]
    assert written.projection_ids == [1, 2]
