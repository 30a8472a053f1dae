"""The processes that make up a local suite: how each is started, asked and stopped."""

import os
import secrets
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from omniscope_gateway.build import build
from omniscope_gateway.settings import Address, GatewaySettings
from omniscope_local.nats import nats_command
from omniscope_local.ports import LOOPBACK, Ports
from omniscope_local.probes import Probe, gateway_answers, grpc_serves, nats_serves

MACHINE_SLOTS = "1"
"""Trainings of a suite at a time, whichever service's: each of them would use all processors."""
PROBES: Mapping[str, Probe] = {
    "nats": nats_serves,
    "registry": grpc_serves,
    "automl": grpc_serves,
    "deeplearning": grpc_serves,
    "gateway": gateway_answers,
}
"""How to ask a program whether it answers; those that only work are not in it."""


@dataclass(frozen=True)
class Program:
    """One process of the suite.

    Attributes:
        name: Name in `state.json`, in `omniscope status` and of its log.
        command: What to start.
        environment: Variables besides those of the suite's own process.
        address: `host:port` where it answers; empty for a process that only works, for which
            nobody waits.
        stop_stage: Place in the order of stopping; those of one stage stop side by side.
        stop_seconds: How long it may take to end by itself before it is killed.
    """

    name: str
    command: list[str]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    address: str = ""
    stop_stage: int = 0
    stop_seconds: float = 15.0

    def answers(self) -> bool:
        """Whether it answers at its address; one without an address always does."""
        return not self.address or PROBES[self.name](self.address)


def suite_programs(home: Path, ports: Ports) -> list[Program]:
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
            address=_address(ports.nats),
            stop_stage=3,
        ),
        Program(
            name="registry",
            command=_module("omniscope_registry", "serve"),
            environment=environment,
            address=_address(ports.registry),
            stop_stage=2,
        ),
        Program(
            name="automl",
            command=_module("omniscope_automl", "all"),
            environment=environment,
            address=_address(ports.automl),
            stop_stage=1,
            stop_seconds=40.0,
        ),
        Program(
            name="deeplearning",
            command=_module("omniscope_deeplearning", "all"),
            environment=environment,
            address=_address(ports.deeplearning),
            stop_stage=1,
            stop_seconds=40.0,
        ),
        Program(
            name="gateway",
            command=_gateway_command(home, ports),
            address=_address(ports.gateway),
        ),
        Program(
            name="projector",
            command=_module("omniscope_registry", "project"),
            environment=environment,
            stop_stage=1,
        ),
    ]


def _service_environment(home: Path, ports: Ports, token: str) -> dict[str, str]:
    """Return what services read; database, artifacts and MLflow stay as the user set them."""
    return {
        "OMNISCOPE_HOME": str(home),
        "OMNISCOPE_MACHINE_SLOTS": os.environ.get("OMNISCOPE_MACHINE_SLOTS") or MACHINE_SLOTS,
        "OMNISCOPE_NATS_URL": f"nats://{token}@{_address(ports.nats)}",
        "OMNISCOPE_REGISTRY_LISTEN": _address(ports.registry),
        "OMNISCOPE_REGISTRY_TARGET": _address(ports.registry),
        "OMNISCOPE_AUTOML_LISTEN": _address(ports.automl),
        "OMNISCOPE_AUTOML_TARGET": _address(ports.automl),
        "OMNISCOPE_DEEPLEARNING_LISTEN": _address(ports.deeplearning),
        "OMNISCOPE_DEEPLEARNING_TARGET": _address(ports.deeplearning),
    }


def _gateway_command(home: Path, ports: Ports) -> list[str]:
    settings = GatewaySettings(
        listen=Address(LOOPBACK, ports.gateway),
        upstreams={
            "registry": Address(LOOPBACK, ports.registry),
            "automl": Address(LOOPBACK, ports.automl),
            "deeplearning": Address(LOOPBACK, ports.deeplearning),
        },
    )
    envoy = Path(sysconfig.get_path("scripts")) / "envoy"
    return build(settings, home / "gateway").command(envoy=envoy)


def _module(name: str, role: str) -> list[str]:
    return [sys.executable, "-m", name, role]


def _address(port: int) -> str:
    return f"{LOOPBACK}:{port}"
