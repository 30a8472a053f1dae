"""`python -m omniscope_gateway`: writes Envoy's configuration into a folder."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from omniscope_gateway.build import build
from omniscope_gateway.settings import LOCAL_HOSTS, Address, GatewaySettings
from omniscope_suite.services import public_services


def main(arguments: list[str] | None = None) -> int:
    """Write the files and print the command that starts Envoy from them."""
    names = tuple(public_services())
    options = _parser(names).parse_args(arguments)
    try:
        settings = GatewaySettings(
            listen=Address(options.host, options.port),
            upstreams={name: getattr(options, name) for name in names},
            hosts=(*LOCAL_HOSTS, *options.allow_host),
            origins=tuple(options.allow_origin),
        )
        files = build(settings, options.out)
    except ValueError as error:
        sys.stderr.write(f"omniscope_gateway: {error}\n")
        return 2
    sys.stdout.write(shlex.join(files.command()) + "\n")
    return 0


def _parser(services: tuple[str, ...]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m omniscope_gateway", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    parser.add_argument("--host", default="127.0.0.1", help="loopback address to listen on")
    parser.add_argument("--port", type=int, default=8080, help="port to listen on")
    for service in services:
        parser.add_argument(f"--{service}", type=Address.parse, required=True, metavar="HOST:PORT")
    parser.add_argument("--allow-host", action="append", default=[], help="another Host header")
    parser.add_argument("--allow-origin", action="append", default=[], help="a web page's origin")
    return parser


if __name__ == "__main__":
    sys.exit(main())
