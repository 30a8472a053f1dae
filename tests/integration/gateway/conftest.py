"""A real Envoy with this package's configuration, before real servers with small services."""

import asyncio
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
import requests

from omniscope_gateway.build import build
from omniscope_gateway.settings import Address, GatewaySettings
from omniscope_service.rpc.auth import LocalTokens
from omniscope_service.rpc.server import RunningServer, start_server
from omniscope_service.testing.tokens import write_tokens
from omniscope_suite.services import public_names
from tests.integration.gateway.upstream import (
    Seen,
    registry_services,
    training_services,
)

ENVOY = Path(sys.executable).with_name("envoy")


@dataclass(frozen=True)
class Gateway:
    """A running gateway, and what its upstreams have seen.

    Attributes:
        port: Where it listens on 127.0.0.1.
        tokens: Tokens that the upstreams know.
        seen: Metadata of the last call of each method.
    """

    port: int
    tokens: LocalTokens
    seen: Seen

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def credentials(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.tokens.user}"),)


@contextmanager
def envoy(folder: Path, upstreams: dict[str, int]) -> Iterator[int]:
    """Run Envoy before upstreams on these ports; yield its port."""
    port = _free_port()
    settings = GatewaySettings(
        listen=Address("127.0.0.1", port),
        upstreams={name: Address("127.0.0.1", port) for name, port in upstreams.items()},
        origins=("https://lab.example.org",),
    )
    files = build(settings, folder / "envoy")
    with (folder / "envoy.log").open("w") as log:
        process = subprocess.Popen(
            files.command(envoy=ENVOY, threads=1), stdout=log, stderr=subprocess.STDOUT
        )
        try:
            _await_answer(port, process, folder / "envoy.log")
            yield port
        finally:
            process.terminate()
            process.wait()


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("gateway")
    tokens, seen = write_tokens(folder / "home"), Seen()
    with _Upstreams(tokens, seen) as upstreams, envoy(folder, upstreams) as port:
        yield Gateway(port, tokens, seen)


@pytest.fixture(scope="session")
def rest(gateway: Gateway) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {gateway.tokens.user}"
        yield session


@pytest.fixture(scope="session")
def channel(gateway: Gateway) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{gateway.port}") as channel:
        yield channel


class _Upstreams:
    """Servers in an event loop of their own, so that tests may be plain functions."""

    def __init__(self, tokens: LocalTokens, seen: Seen) -> None:
        self._tokens = tokens
        self._seen = seen
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._servers: dict[str, RunningServer] = {}

    def __enter__(self) -> dict[str, int]:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(timeout=60)
        ports = {name: server.port for name, server in self._servers.items()}
        return {**ports, "deeplearning": ports["automl"]}

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(timeout=60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self) -> None:
        self._servers["registry"] = await start_server(
            "127.0.0.1:0", registry_services(), self._tokens, public_names()
        )
        self._servers["automl"] = await start_server(
            "127.0.0.1:0", training_services(self._seen), self._tokens
        )

    async def _stop(self) -> None:
        for server in self._servers.values():
            await server.stop(0)


def _free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
        return port


def _await_answer(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    while True:
        assert process.poll() is None, log.read_text()
        try:
            requests.get(f"http://127.0.0.1:{port}/healthz", timeout=30)
        except requests.ConnectionError:
            time.sleep(0.02)
        else:
            return
