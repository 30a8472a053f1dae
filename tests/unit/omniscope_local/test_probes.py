import http.server
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from omniscope_local.nats import start_nats
from omniscope_local.probes import gateway_answers, grpc_serves, nats_serves


@pytest.fixture
def nowhere() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


@pytest.fixture
def other_service() -> Iterator[str]:
    """Something that listens, answers HTTP, and is no part of the suite."""

    class NotFound(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_error(404)

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), NotFound) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("probe", [grpc_serves, gateway_answers, nats_serves])
def test_neither_nothing_nor_something_else_counts_as_an_answer(
    probe, nowhere: str, other_service: str
) -> None:
    assert not probe(nowhere)
    assert not probe(other_service)


def test_a_server_counts_from_the_moment_it_reports_serving() -> None:
    server = grpc.server(ThreadPoolExecutor(max_workers=1))
    servicer = health.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        servicer.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
        assert not grpc_serves(address)
        servicer.set("", health_pb2.HealthCheckResponse.SERVING)
        assert grpc_serves(address)
    finally:
        server.stop(grace=None).wait()


def test_a_broker_counts_by_its_greeting(tmp_path) -> None:
    server = start_nats(tmp_path)
    try:
        assert nats_serves(f"127.0.0.1:{server.port}")
    finally:
        server.stop()
