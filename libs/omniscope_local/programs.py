"""The processes that make up a local suite: how each is started, asked and stopped."""

import os
import secrets
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from omniscope_gateway.build import build
from omniscope_gateway.settings import Address, GatewaySettings
from omniscope_local.nats import nats_command
from omniscope_local.ports import LOOPBACK, Ports, listen_variable
from omniscope_local.probes import Probe, gateway_answers, grpc_serves, nats_serves
from omniscope_suite.entry import ServiceEntry, SuiteProcess
from omniscope_suite.services import public_services

MACHINE_SLOTS = "1"
"""Trainings of a suite at a time, whichever service's: each of them would use all processors."""
_PROBES: Mapping[str, Probe] = {"nats": nats_serves, "gateway": gateway_answers}


def probe_of(name: str) -> Probe:
    """Return how a program that has an address is asked whether it answers."""
    return _PROBES.get(name, grpc_serves)


@dataclass(frozen=True)
class Program:
    """One process of the suite.

    Attributes:
        name: Name in `state.json`, in `omniscope status` and of its log.
        command: What to start.
        description: What a caller finds there, in a few words.
        environment: Variables besides those of the suite's own process.
        address: `host:port` where it answers; empty for a process that only works, for which
            nobody waits.
        stop_stage: Place in the order of stopping; those of one stage stop side by side.
        stop_seconds: How long it may take to end by itself before it is killed.
    """

    name: str
    command: list[str]
    description: str = ""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    address: str = ""
    stop_stage: int = 0
    stop_seconds: float = 15.0

    def answers(self) -> bool:
        """Whether it answers at its address; one without an address always does."""
        return not self.address or probe_of(self.name)(self.address)


def suite_programs(home: Path, ports: Ports, services: Sequence[ServiceEntry]) -> list[Program]:
    """Return the programs of a suite, in the order of their start.

    First those that callers see stop: the gateway, then what works on jobs (a training gets time
    to leave a checkpoint), then the registry that those still talk to, at last the broker.
    """
    token = secrets.token_hex(32)
    environment = _service_environment(home, ports, token)
    return [
        Program(
            name="nats",
            command=nats_command(home / "nats", ports.nats, token),
            description="broker",
            address=_address(ports.nats),
            stop_stage=3,
        ),
        *(
            _program(service, process, ports, environment)
            for service in services
            for process in service.processes
        ),
        Program(
            name="gateway",
            command=_gateway_command(home, ports),
            description="REST, server-sent events, gRPC and gRPC-Web",
            address=_address(ports.gateway),
        ),
    ]


def _program(
    service: ServiceEntry, process: SuiteProcess, ports: Ports, environment: Mapping[str, str]
) -> Program:
    return Program(
        name=process.name,
        command=[sys.executable, "-m", service.package, process.role],
        description=process.description,
        environment=environment,
        address=_address(ports.services[service.name]) if process.serves else "",
        stop_stage=process.stop_stage,
        stop_seconds=process.stop_seconds,
    )


def _service_environment(home: Path, ports: Ports, token: str) -> dict[str, str]:
    """Return what services read; database, artifacts and MLflow stay as the user set them."""
    return {
        "OMNISCOPE_HOME": str(home),
        "OMNISCOPE_MACHINE_SLOTS": os.environ.get("OMNISCOPE_MACHINE_SLOTS") or MACHINE_SLOTS,
        "OMNISCOPE_NATS_URL": f"nats://{token}@{_address(ports.nats)}",
        "OMNISCOPE_REGISTRY_TARGET": _address(ports.services["registry"]),
        **{listen_variable(name): _address(port) for name, port in ports.services.items()},
    }


def _gateway_command(home: Path, ports: Ports) -> list[str]:
    settings = GatewaySettings(
        listen=Address(LOOPBACK, ports.gateway),
        upstreams={name: Address(LOOPBACK, ports.services[name]) for name in public_services()},
    )
    envoy = Path(sysconfig.get_path("scripts")) / "envoy"
    return build(settings, home / "gateway").command(envoy=envoy)


def _address(port: int) -> str:
    return f"{LOOPBACK}:{port}"
