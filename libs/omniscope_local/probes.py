"""Asks a process whether it answers, once and without patience."""

import http.client
import socket
from collections.abc import Callable

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

Probe = Callable[[str], bool]

CONNECT_SECONDS = 0.5
ANSWER_SECONDS = 2.0


def grpc_serves(address: str) -> bool:
    """Whether a gRPC server reports SERVING for itself as a whole."""
    if not _accepts(address):  # cheaper than a channel, which would wait before trying again
        return False
    with grpc.insecure_channel(address) as channel:
        try:
            status = _health(channel)
        except grpc.RpcError:
            return False
    return status == health_pb2.HealthCheckResponse.SERVING


def gateway_answers(address: str) -> bool:
    """Whether a gateway answers 200 to `/healthz`."""
    connection = http.client.HTTPConnection(address, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def nats_serves(address: str) -> bool:
    """Whether a nats-server sends the greeting that it opens every connection with."""
    try:
        with _connect(address) as connection:
            return connection.recv(5) == b"INFO "
    except OSError:
        return False


def _health(channel: grpc.Channel) -> int:
    stub = health_pb2_grpc.HealthStub(channel)
    request = health_pb2.HealthCheckRequest()
    answer = stub.Check(request, timeout=ANSWER_SECONDS)  # type: ignore[attr-defined]
    return int(answer.status)


def _accepts(address: str) -> bool:
    try:
        with _connect(address):
            return True
    except OSError:
        return False


def _connect(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS)
