"""Settings of a gateway; everything else is decided by this package."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True)
class Address:
    """A host and a TCP port."""

    host: str
    port: int

    def __post_init__(self) -> None:
        if not self.host or not 0 <= self.port <= 65_535:
            raise ValueError(
                f"address {self.host}:{self.port} needs a host and a port up to 65535"
            )

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read `host:port`.

        Raises:
            ValueError: The text has another form.
        """
        host, separator, port = text.rpartition(":")
        if not separator or not port.isdecimal():
            raise ValueError(f"address {text!r} is not of the form host:port")
        return cls(host.removeprefix("[").removesuffix("]"), int(port))


@dataclass(frozen=True, kw_only=True)
class GatewaySettings:
    """Where a gateway listens and what stands behind it.

    Attributes:
        listen: Where clients connect. Loopback only: the gateway speaks no TLS yet, and what it
            forwards carries tokens.
        upstreams: Where each service answers, by the name in its entry.
        hosts: Values of the Host header that are answered, without port. Others are refused, so
            that a web page cannot reach a local suite through a name of its own.
        origins: Origins of web pages that may call, besides those on `hosts`.
    """

    listen: Address
    upstreams: dict[str, Address]
    hosts: tuple[str, ...] = LOCAL_HOSTS
    origins: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        host = "127.0.0.1" if self.listen.host == "localhost" else self.listen.host
        if not _is_loopback(host):
            raise ValueError(
                f"the gateway listens on loopback addresses only, {self.listen.host} is none"
            )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
