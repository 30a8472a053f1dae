"""`omniscope up`, `down` and `status` with the real processes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from omniscope_client.client import Client
from omniscope_local.state import read_state

OMNISCOPE = Path(sys.executable).with_name("omniscope")
NAMES = {"nats", "registry", "automl", "deeplearning", "gateway", "projector"}


@dataclass(frozen=True)
class Home:
    """The home of a suite, and the command line for it."""

    path: Path

    def environment(self, **variables: str) -> dict[str, str]:
        own = {name: text for name, text in os.environ.items() if not name.startswith("OMNISCOPE")}
        return {**own, "OMNISCOPE_HOME": str(self.path), **variables}

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [OMNISCOPE, *arguments],
            env=self.environment(**variables),
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    def start_here(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [OMNISCOPE, "up", "--free-ports", "--json"],
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def processes(self) -> list[psutil.Process]:
        return [psutil.Process(state.pid) for state in read_state(self.path).values()]


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    home = Home(tmp_path_factory.mktemp("suite") / "home")
    started = home.run("up", "--detach", "--free-ports")
    assert started.returncode == 0, started.stderr
    yield home
    processes = home.processes()
    stopped = home.run("down")
    assert stopped.returncode == 0, stopped.stderr
    assert not any(process.is_running() for process in processes)
    assert not (home.path / "state.json").exists()


def test_everything_answers_and_status_says_so(suite: Home) -> None:
    answer = suite.run("status", "--json")

    processes = {process["name"]: process for process in json.loads(answer.stdout)["processes"]}
    assert answer.returncode == 0
    assert set(processes) == NAMES
    assert {name for name in NAMES if processes[name]["state"] == "serving"} == NAMES - {
        "projector"
    }
    assert all(process["memory_bytes"] > 1_000_000 for process in processes.values())


def test_a_person_sees_the_same_as_a_table(suite: Home) -> None:
    text = suite.run("status").stdout

    assert all(name in text for name in NAMES)
    assert "serving" in text


def test_the_gateway_takes_the_token_of_the_home(suite: Home) -> None:
    address = read_state(suite.path)["gateway"].address

    with Client(address, (suite.path / "token").read_text()) as client:
        assert list(client.jobs.list()) == []
        assert client.automl.presets().presets


def test_a_wrong_token_is_told_from_a_suite_that_does_not_answer(suite: Home) -> None:
    (suite.path / "wrong").write_text("ab" * 32)

    refused = suite.run("jobs", "list", OMNISCOPE_TOKEN_FILE=str(suite.path / "wrong"))

    assert refused.returncode == 3
    assert "TOKEN" in refused.stderr


def test_started_twice_in_the_background_it_says_so_and_is_content(suite: Home) -> None:
    before = read_state(suite.path)

    again = suite.run("up", "--detach")

    assert again.returncode == 0
    assert "runs in" in again.stderr
    assert before["gateway"].address in again.stdout
    assert read_state(suite.path) == before


def test_started_twice_in_the_foreground_it_says_so_and_fails(suite: Home) -> None:
    again = suite.run("up", "--free-ports")

    assert again.returncode == 1
    assert "SUITE_RUNNING" in again.stderr
    assert "omniscope down" in again.stderr


def test_a_port_of_another_suite_is_named_with_its_owner(suite: Home, tmp_path: Path) -> None:
    gateway = read_state(suite.path)["gateway"]
    port = gateway.address.rpartition(":")[2]

    refused = Home(tmp_path).run("up", "--detach", OMNISCOPE_GATEWAY_PORT=port)

    assert refused.returncode == 1
    assert f"Port {port} is in use by envoy (process {gateway.pid})" in refused.stderr
    assert "OMNISCOPE_GATEWAY_PORT" in refused.stderr
    assert "--free-ports" in refused.stderr
    assert read_state(tmp_path) == {}


def test_secrets_of_the_home_are_nobody_elses_to_read(suite: Home) -> None:
    secrets = [suite.path / name for name in ("token", "service-token", "worker-token")]

    assert suite.path.stat().st_mode & 0o077 == 0
    assert all(secret.stat().st_mode & 0o077 == 0 for secret in secrets)


def test_a_service_that_dies_comes_back_at_its_address(suite: Home) -> None:
    died = read_state(suite.path)["registry"]
    os.kill(died.pid, signal.SIGKILL)

    while (back := read_state(suite.path)["registry"]).pid == died.pid:
        time.sleep(0.1)
    while suite.run("status").returncode != 0:
        time.sleep(0.2)

    assert back.address == died.address
    assert "registry restarted" in (suite.path / "logs" / "suite.log").read_text()
    with Client(
        read_state(suite.path)["gateway"].address, (suite.path / "token").read_text()
    ) as client:
        assert list(client.models.list()) == []


@pytest.mark.slow
def test_an_interrupt_stops_a_suite_in_the_foreground(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    suite = home.start_here()
    assert suite.stdout is not None
    lines = list(iter(suite.stdout.readline, "}\n"))  # up to the end of the document
    processes = home.processes()

    suite.send_signal(signal.SIGINT)
    suite.communicate(timeout=100)

    assert set(json.loads("".join([*lines, "}"]))["processes"]) == NAMES
    assert suite.returncode == 0
    assert not any(process.is_running() for process in processes)
    assert home.run("status").returncode == 3
    assert "No suite runs" in home.run("down").stdout


@pytest.mark.slow
def test_nothing_outlives_a_suite_that_is_killed(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    assert home.run("up", "--detach", "--free-ports").returncode == 0
    processes = home.processes()

    os.kill(int((home.path / "suite.lock").read_text()), signal.SIGKILL)
    _, alive = psutil.wait_procs(processes, timeout=60)

    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []
    assert home.run("status").returncode == 3
    assert home.run("down").returncode == 0
    assert not (home.path / "state.json").exists()
