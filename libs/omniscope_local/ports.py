"""Chooses the ports of a suite, and names who holds one that is taken."""

import os
import socket
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

import psutil

from omniscope_client.errors import OmniscopeError

LOOPBACK = "127.0.0.1"
GATEWAY_PORT = 8080
GATEWAY_VARIABLE = "OMNISCOPE_GATEWAY_PORT"
NATS_VARIABLE = "OMNISCOPE_NATS_PORT"


@dataclass(frozen=True)
class Ports:
    """Where the processes of one suite listen, all on the loopback interface.

    Attributes:
        gateway: The gateway.
        nats: The broker.
        services: Each service, by name.
    """

    gateway: int
    nats: int
    services: Mapping[str, int]


def choose_ports(
    services: Collection[str],
    environment: Mapping[str, str] = os.environ,
    *,
    free: bool = False,
) -> Ports:
    """Return the ports that the environment names, and free ones for the rest.

    Args:
        services: Names of the services.
        environment: `OMNISCOPE_GATEWAY_PORT` (default 8080) and `OMNISCOPE_NATS_PORT` are ports,
            `OMNISCOPE_<SERVICE>_LISTEN` addresses on loopback; 0 or nothing takes any free port.
        free: Take free ones whatever the environment says.

    Raises:
        OmniscopeError: A variable does not hold a port, or the port is in use; the message names
            both, and the process that has it.
    """
    named = {} if free else _named(services, environment)
    for variable, port in named.values():
        require_free(variable, port)
    names = ("gateway", "nats", *services)
    spare = zip(names, _free_ports(len(names)), strict=True)
    chosen = {name: named.get(name, ("", 0))[1] or port for name, port in spare}
    return Ports(
        gateway=chosen["gateway"],
        nats=chosen["nats"],
        services={name: chosen[name] for name in services},
    )


def listen_variable(service: str) -> str:
    """Return the variable that says where a service answers."""
    return f"OMNISCOPE_{service.upper()}_LISTEN"


def require_free(setting: str, port: int) -> None:
    """Raise an error that names the port, who has it, and the setting to change.

    Args:
        setting: Variable or option that the port came from.
        port: The port; 0 is always free.
    """
    if port and not _is_free(port):
        raise _in_use(setting, port)


def _named(
    services: Collection[str], environment: Mapping[str, str]
) -> dict[str, tuple[str, int]]:
    """Return variable and port of each process that the environment speaks of."""
    return {
        "gateway": (
            GATEWAY_VARIABLE,
            _port(GATEWAY_VARIABLE, environment.get(GATEWAY_VARIABLE) or str(GATEWAY_PORT)),
        ),
        "nats": (NATS_VARIABLE, _port(NATS_VARIABLE, environment.get(NATS_VARIABLE) or "0")),
        **{
            name: (variable, _listen_port(variable, environment.get(variable) or f"{LOOPBACK}:0"))
            for name in services
            for variable in [listen_variable(name)]
        },
    }


def _listen_port(variable: str, address: str) -> int:
    host, _, port = address.rpartition(":")
    if host not in (LOOPBACK, "localhost"):
        raise _invalid(variable, address, f"{LOOPBACK}:<port>: a local suite stays on loopback")
    return _port(variable, port)


def _port(variable: str, text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise _invalid(variable, text, "a port from 0 to 65535")
    return int(text)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _free_ports(count: int) -> list[int]:
    """Return different free ports: all are held until the last one is known."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((LOOPBACK, 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def _in_use(setting: str, port: int) -> OmniscopeError:
    others = ", or take free ports with --free-ports" if setting != "--port" else ""
    return OmniscopeError(
        "FAILED_PRECONDITION",
        f"Port {port} is in use{_owner(port)}: set {setting} to another one{others}.",
        reason="PORT_IN_USE",
        field=setting,
    )


def _owner(port: int) -> str:
    """Name the process that listens on a port, if it is ours to see."""
    for connection in psutil.net_connections("tcp"):
        address = connection.laddr if connection.status == psutil.CONN_LISTEN else ()
        if connection.pid and port in address:
            return f" by {_name(connection.pid)} (process {connection.pid})"
    return ""


def _name(pid: int) -> str:
    try:
        return psutil.Process(pid).name()
    except psutil.Error:
        return "a process"


def _invalid(variable: str, value: str, allowed: str) -> OmniscopeError:
    return OmniscopeError(
        "INVALID_ARGUMENT",
        f"{variable} is {value!r}; allowed is {allowed}.",
        reason="PORT_INVALID",
        field=variable,
    )
