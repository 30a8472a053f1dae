"""One suite of real processes for all tests of this folder, used as an outsider would."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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

    def events(self, url: str) -> list[dict[str, Any]]:
        """The server-sent events of a path, to their end."""
        with self.get(url, stream=True, timeout=120) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            lines = response.iter_lines(decode_unicode=True)
            return [json.loads(line.removeprefix("data: ")) for line in lines if line]


@dataclass(frozen=True)
class RunningSuite:
    """Where the suite answers.

    `site` is a folder with distributions that are installed beside it.
    """

    home: Path
    site: Path | None = None

    @property
    def state(self) -> dict[str, dict[str, object]]:
        return dict(json.loads((self.home / "state.json").read_text()))

    @property
    def token(self) -> str:
        return (self.home / "token").read_text().strip()

    @property
    def gateway(self) -> str:
        return str(self.state["gateway"]["address"])

    def omniscope(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        path = [str(self.site)] if self.site else []
        path += filter(None, [os.environ.get("PYTHONPATH")])
        environment = {
            **os.environ,
            "OMNISCOPE_HOME": str(self.home),
            "PYTHONPATH": os.pathsep.join(path),
        }
        return subprocess.run(
            [BIN / "omniscope", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def grpcurl(self, target: str, request: object = None) -> str:
        """Ask with grpcurl and reflection: `list`, `describe ...` or a method with its request."""
        body = ["-d", json.dumps(request)] if request is not None else []
        finished = subprocess.run(
            [
                *(BIN / "grpcurl", "-plaintext", "-H", f"authorization: Bearer {self.token}"),
                *(*body, self.gateway, *target.split()),
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert finished.returncode == 0, finished.stderr
        return finished.stdout


@contextmanager
def running_suite(home: Path, site: Path | None = None) -> Iterator[RunningSuite]:
    """Start a suite, yield it, stop it."""
    suite = RunningSuite(home, site)
    started = suite.omniscope("up", "--detach", "--free-ports")
    assert started.returncode == 0, started.stdout + started.stderr
    try:
        yield suite
    finally:
        stopped = suite.omniscope("down")
        assert stopped.returncode == 0, stopped.stdout + stopped.stderr


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSuite]:
    with running_suite(tmp_path_factory.mktemp("suite")) as suite:
        yield suite


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
    upload_penguins(rest)
    return "penguins"


def upload_penguins(rest: RestSession) -> str:
    """Upload the penguins data set under that name; return its id."""
    response = rest.post(
        "/api/ml/datasets",
        params={"name": "penguins", "format": "csv"},
        data=(DATA / "penguins.csv").read_bytes(),
    )
    assert response.status_code == 200, response.text
    return str(response.json()["dataset_id"])
