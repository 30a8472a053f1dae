"""What a gateway may be told."""

from pathlib import Path

import pytest

from omniscope_gateway.bootstrap import bootstrap
from omniscope_gateway.settings import Address, GatewaySettings
from omniscope_suite.services import public_services

UPSTREAMS = {
    name: Address("127.0.0.1", port)
    for port, name in enumerate(("registry", "automl", "deeplearning"), start=1)
}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_loopback_addresses_are_listened_on(host: str):
    assert GatewaySettings(listen=Address(host, 8080), upstreams=UPSTREAMS).listen.host == host


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "gateway.example.org"])
def test_other_addresses_are_refused(host: str):
    with pytest.raises(ValueError, match="loopback"):
        GatewaySettings(listen=Address(host, 8080), upstreams=UPSTREAMS)


def test_addresses_are_read():
    assert Address.parse("registry:50051") == Address("registry", 50051)
    assert Address.parse("[::1]:80") == Address("::1", 80)


@pytest.mark.parametrize("text", ["", "registry", "registry:", ":80", "registry:x", "a:70000"])
def test_what_is_no_address_is_refused(text: str):
    with pytest.raises(ValueError, match="address"):
        Address.parse(text)


def test_envoy_has_no_administration_which_would_know_no_tokens():
    settings = GatewaySettings(listen=Address("127.0.0.1", 8080), upstreams=UPSTREAMS)

    assert bootstrap(settings, public_services(), Path("descriptors.pb")).keys() == {
        "static_resources",
        "overload_manager",
    }
