"""The running jobs of a suite, for who is about to stop it."""

from contextlib import closing
from pathlib import Path

from omniscope.registry.v1.job_service_pb2 import ListJobsRequest
from omniscope.registry.v1.job_service_pb2_grpc import JobServiceStub
from omniscope_client.calls import Calls
from omniscope_client.connection import find_endpoint
from omniscope_client.errors import OmniscopeError
from omniscope_local.state import read_state

ANSWER_SECONDS = 2.0


def running_jobs(home: Path) -> int:
    """Return how many jobs a home's suite works on; 0 also when it does not answer at once."""
    gateway = read_state(home).get("gateway")
    if gateway is None:
        return 0
    request = ListJobsRequest(page_size=1000, filter='state = "running"')
    try:
        token = (home / "token").read_text().strip()
        calls = Calls(find_endpoint(gateway.address, token))
        with closing(calls.channel):
            answer = calls.unary(JobServiceStub(calls.channel).ListJobs, request, ANSWER_SECONDS)
    except (OmniscopeError, OSError):
        return 0
    return len(answer.jobs)
