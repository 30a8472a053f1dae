from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from omniscope.common.v1.job_pb2 import Job
from omniscope.registry.v1 import job_service_pb2_grpc
from omniscope.registry.v1.job_service_pb2 import ListJobsRequest, ListJobsResponse
from omniscope_local.jobs import running_jobs
from omniscope_local.state import ProcessState, write_state


def list_jobs(
    self: object, request: ListJobsRequest, context: grpc.ServicerContext
) -> ListJobsResponse:
    assert request.filter == 'state = "running"'
    return ListJobsResponse(jobs=[Job(job_id="J1"), Job(job_id="J2")])


@pytest.fixture
def address() -> Iterator[str]:
    base = job_service_pb2_grpc.JobServiceServicer
    service = type("Service", (base,), {"ListJobs": list_jobs})()
    server = grpc.server(ThreadPoolExecutor(max_workers=1))
    job_service_pb2_grpc.add_JobServiceServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(grace=None).wait()


def write_home(home: Path, address: str) -> None:
    (home / "token").write_text("ab" * 32)
    write_state(home, [("gateway", ProcessState(pid=1, address=address, log=""))])


def test_jobs_that_a_stop_would_interrupt_are_counted(tmp_path: Path, address: str) -> None:
    write_home(tmp_path, address)

    assert running_jobs(tmp_path) == 2


def test_a_suite_that_does_not_answer_is_stopped_all_the_same(tmp_path: Path) -> None:
    assert running_jobs(tmp_path) == 0
    write_home(tmp_path, "127.0.0.1:1")
    assert running_jobs(tmp_path) == 0
