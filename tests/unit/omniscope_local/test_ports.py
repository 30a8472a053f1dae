import os
import socket
from collections.abc import Iterator

import pytest

from omniscope_client.errors import OmniscopeError
from omniscope_local.ports import GATEWAY_PORT, Ports, choose_ports

SERVICES = ("registry", "automl", "deeplearning")


def all_of(ports: Ports) -> dict[str, int]:
    return {"gateway": ports.gateway, "nats": ports.nats, **ports.services}


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


def test_ports_come_from_the_environment_and_the_rest_is_free() -> None:
    ports = choose_ports(
        SERVICES,
        {
            "OMNISCOPE_GATEWAY_PORT": "0",
            "OMNISCOPE_NATS_PORT": "0",
            "OMNISCOPE_REGISTRY_LISTEN": "127.0.0.1:0",
        },
    )

    chosen = tuple(all_of(ports).values())
    assert len(set(chosen)) == len(chosen)
    assert GATEWAY_PORT not in chosen


@pytest.mark.parametrize(
    ("variable", "value", "name"),
    [
        ("OMNISCOPE_GATEWAY_PORT", "{}", "gateway"),
        ("OMNISCOPE_NATS_PORT", "{}", "nats"),
        ("OMNISCOPE_REGISTRY_LISTEN", "127.0.0.1:{}", "registry"),
        ("OMNISCOPE_AUTOML_LISTEN", "localhost:{}", "automl"),
        ("OMNISCOPE_DEEPLEARNING_LISTEN", "127.0.0.1:{}", "deeplearning"),
    ],
)
def test_a_named_port_is_taken_or_named_when_somebody_has_it(
    taken: int, variable: str, value: str, name: str
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    environment = {"OMNISCOPE_GATEWAY_PORT": "0", variable: value.format(free)}

    assert all_of(choose_ports(SERVICES, environment))[name] == free

    with pytest.raises(OmniscopeError) as raised:
        choose_ports(SERVICES, {**environment, variable: value.format(taken)})
    error = raised.value
    assert (error.reason, error.field) == ("PORT_IN_USE", variable)
    assert str(taken) in error.message
    assert f"process {os.getpid()}" in error.message
    assert "--free-ports" in error.message


def test_free_ports_are_taken_whatever_the_environment_says(taken: int) -> None:
    ports = choose_ports(SERVICES, {"OMNISCOPE_GATEWAY_PORT": str(taken)}, free=True)

    assert taken not in all_of(ports).values()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OMNISCOPE_GATEWAY_PORT", "http"),
        ("OMNISCOPE_GATEWAY_PORT", "65536"),
        ("OMNISCOPE_NATS_PORT", "-1"),
        ("OMNISCOPE_REGISTRY_LISTEN", "8080"),
        ("OMNISCOPE_AUTOML_LISTEN", "0.0.0.0:8080"),
    ],
)
def test_a_variable_that_holds_no_port_is_named_with_its_value(variable: str, value: str) -> None:
    with pytest.raises(OmniscopeError) as raised:
        choose_ports(SERVICES, {"OMNISCOPE_GATEWAY_PORT": "0", variable: value})

    assert raised.value.field == variable
    assert repr(value) in raised.value.message
