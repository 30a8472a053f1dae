"""Starts an aio server with the suite's limits, layers, health and reflection."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health_aio
from grpc_reflection.v1alpha import reflection

from omniscope_service.errors import ConfigurationError
from omniscope_service.rpc.authorizer import Authorizer
from omniscope_service.rpc.chain import Chain
from omniscope_service.rpc.client import MAX_MESSAGE_BYTES
from omniscope_service.rpc.drain import Drain
from omniscope_service.rpc.interceptors import AccessLog, Auth, Deadline, Errors

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from omniscope_service.rpc.auth import TokenVerifier

_MINUTE_MS = 60_000
_OPTIONS: tuple[tuple[str, Any], ...] = (
    # Without this two servers can share a port, and each gets half of the calls.
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_metadata_size", 8 * 1024),
    ("grpc.absolute_max_metadata_size", 8 * 1024),
    # A backend may watch many jobs over one connection.
    ("grpc.max_concurrent_streams", 1000),
    ("grpc.max_connection_idle_ms", 5 * _MINUTE_MS),
    ("grpc.max_connection_age_ms", 30 * _MINUTE_MS),
    ("grpc.max_connection_age_grace_ms", 5 * _MINUTE_MS),
    ("grpc.keepalive_time_ms", _MINUTE_MS),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 20_000),
    ("grpc.http2.max_ping_strikes", 2),
)
_MAX_CONCURRENT_RPCS = 2000


@dataclass(frozen=True)
class Registration:
    """A servicer with the generated function that adds it, and its service's full name."""

    servicer: object
    add: Callable[[Any, grpc.aio.Server], None]
    full_name: str


@dataclass(frozen=True)
class RunningServer:
    """A server that is SERVING.

    Attributes:
        target: Address to reach it at, with the port that it really has.
    """

    target: str
    port: int
    server: grpc.aio.Server
    health: health_aio.HealthServicer
    drain: Drain

    async def leave(self) -> None:
        """Report NOT_SERVING from now on, so that clients go elsewhere."""
        await self.health.enter_graceful_shutdown()

    async def stop(self, grace_seconds: float) -> None:
        """Take no more calls, tell watches to end, let other calls end for `grace_seconds`."""
        self.drain.end_streams()
        await self.server.stop(grace_seconds)


async def start_server(
    listen: str,
    registrations: Sequence[Registration],
    verifier: TokenVerifier,
    described: Sequence[str] | None = None,
) -> RunningServer:
    """Start a server and report SERVING, as a whole and for each service.

    Args:
        listen: `host:port` on the loopback interface; port 0 takes a free one.
        registrations: What to serve.
        verifier: Tells callers apart.
        described: Full names of the services that reflection lists. None: those that are served.

    Raises:
        ConfigurationError: The address is not a loopback address, or its port is taken.
    """
    host, port = _split(listen)
    drain = Drain()
    layers = (AccessLog(), Errors(), Deadline(), drain, Auth(Authorizer(verifier)))
    server = grpc.aio.server(
        interceptors=(Chain(layers),),
        options=_OPTIONS,
        maximum_concurrent_rpcs=_MAX_CONCURRENT_RPCS,
    )
    health = await _add_services(server, registrations)
    served = [registration.full_name for registration in registrations]
    _add_reflection(server, served if described is None else described)
    bound = _bind(server, host, port)
    await server.start()
    for name in ("", *(r.full_name for r in registrations)):
        await health.set(name, health_pb2.HealthCheckResponse.SERVING)
    return RunningServer(f"{host}:{bound}", bound, server, health, drain)


async def _add_services(
    server: grpc.aio.Server, registrations: Sequence[Registration]
) -> health_aio.HealthServicer:
    health = health_aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    for name in ("", *(r.full_name for r in registrations)):
        await health.set(name, health_pb2.HealthCheckResponse.NOT_SERVING)
    for registration in registrations:
        registration.add(registration.servicer, server)
    return health


def _add_reflection(server: grpc.aio.Server, names: Sequence[str]) -> None:
    health_name = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
    reflection.enable_server_reflection([*names, health_name, reflection.SERVICE_NAME], server)


def _split(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise ConfigurationError(f"{listen!r} is no address: host:port, for example 127.0.0.1:0.")
    if not _is_loopback(host):
        raise ConfigurationError(
            f"Refusing to listen on {listen}: without TLS and OIDC settings a service listens on "
            "the loopback interface only, for example 127.0.0.1."
        )
    return host, int(port)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _bind(server: grpc.aio.Server, host: str, port: int) -> int:
    try:
        return server.add_insecure_port(f"{host}:{port}")
    except RuntimeError as err:
        raise ConfigurationError(
            f"Cannot listen on {host}:{port}: the port is taken or may not be used."
        ) from err
