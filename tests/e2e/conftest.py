"""One suite of real processes for all tests of this folder, used as an outsider would."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
import requests

PROJECT = Path(__file__).parents[2]
DATA = PROJECT / "examples" / "data"
BIN = Path(sys.executable).parent


class RestSession(requests.Session):
    """A session that knows the gateway's address."""

    def __init__(self, base: str, token: str | None) -> None:
        super().__init__()
        self.base = base
        if token is not None:
            self.headers["Authorization"] = f"Bearer {token}"

    def request(self, method, url, *args, **kwargs):
        kwargs.setdefault("timeout", 60)
        return super().request(method, self.base + str(url), *args, **kwargs)


@dataclass(frozen=True)
class RunningSuite:
    """Where the suite answers."""

    home: Path
    state: dict[str, dict[str, object]]

    @property
    def token(self) -> str:
        return (self.home / "token").read_text().strip()

    @property
    def gateway(self) -> str:
        return str(self.state["gateway"]["address"])

    def omniscope(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "OMNISCOPE_HOME": str(self.home)}
        return subprocess.run(
            [BIN / "omniscope", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSuite]:
    home = tmp_path_factory.mktemp("suite")
    running = RunningSuite(home, {})
    started = running.omniscope("up", "--detach", "--free-ports")
    assert started.returncode == 0, started.stdout + started.stderr
    try:
        yield RunningSuite(home, json.loads((home / "state.json").read_text()))
    finally:
        stopped = running.omniscope("down")
        assert stopped.returncode == 0, stopped.stdout + stopped.stderr


@pytest.fixture(scope="session")
def rest(suite: RunningSuite) -> Iterator[RestSession]:
    with RestSession(f"http://{suite.gateway}", suite.token) as session:
        yield session


@pytest.fixture(scope="session")
def credentials(suite: RunningSuite) -> list[tuple[str, str]]:
    return [("authorization", f"Bearer {suite.token}")]


@pytest.fixture(scope="session")
def channel(suite: RunningSuite) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(suite.gateway) as channel:
        yield channel


@pytest.fixture(scope="session")
def penguins(rest: RestSession) -> str:
    """The penguins data set, uploaded once; its name."""
    response = rest.post(
        "/api/ml/datasets",
        params={"name": "penguins", "format": "csv"},
        data=(DATA / "penguins.csv").read_bytes(),
    )
    assert response.status_code == 200, response.text
    return "penguins"
