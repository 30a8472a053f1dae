import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from omniscope_client.errors import OmniscopeError
from omniscope_local.ports import choose_ports
from omniscope_local.programs import Program, suite_programs
from omniscope_local.runner import suite_running
from omniscope_local.state import read_state
from omniscope_local.suite import Report, Suite
from omniscope_suite.services import service_entries

# Answers as a gateway does; with "stubborn" it does not mind SIGTERM.
SERVER = """
import http.server, signal, sys
if sys.argv[2:] == ["stubborn"]:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
class Healthy(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Healthy).serve_forever()
"""
SLEEPER = "import time; time.sleep(60)"
BROKEN = "import sys; print('reading settings'); sys.exit('settings are wrong')"
HOLDER = """
import sys, time
from pathlib import Path
from omniscope_local.suite import Suite
from omniscope_local.programs import Program
command = [sys.executable, "-c", "import time; time.sleep(60)"]
programs = [Program("projector", command), Program("other", command)]
Suite(Path(sys.argv[1]), programs, lambda report: None).start()
print("started", flush=True)
time.sleep(60)
"""


def server(*options: str) -> Program:
    port = choose_ports({}, free=True).gateway
    command = [sys.executable, "-c", SERVER, str(port), *options]
    return Program("gateway", command, address=f"127.0.0.1:{port}", stop_seconds=5.0)


def worker(
    name: str = "projector", code: str = "import time; time.sleep(60)", **fields
) -> Program:
    return Program(name, [sys.executable, "-c", code], **fields)


class Watched(Suite):
    """A suite whose reports a test can read."""

    def __init__(self, home: Path, *programs: Program) -> None:
        self.reports: list[Report] = []
        super().__init__(home, programs, self.reports.append)

    def events(self, *kinds: str) -> list[tuple[str, str]]:
        return [(r.name, r.event) for r in self.reports if r.event in kinds]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[list[Suite]]:
    suites: list[Suite] = []
    yield suites
    for suite in suites:
        suite.kill()


def test_a_started_suite_answers_and_says_where(tmp_path: Path, running: list[Suite]) -> None:
    gateway = server()
    suite = Watched(tmp_path, gateway, worker())
    running.append(suite)

    suite.start()

    assert suite.events("serving") == [("gateway", "serving")]
    written = json.loads((tmp_path / "state.json").read_text())
    assert written["gateway"]["address"] == gateway.address
    assert all(psutil.pid_exists(process["pid"]) for process in written.values())


def test_a_stopped_suite_leaves_neither_processes_nor_state(tmp_path: Path) -> None:
    suite = Watched(tmp_path, server(), worker())
    suite.start()
    pids = [process.pid for process in read_state(tmp_path).values()]

    suite.stop()
    suite.stop()

    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert read_state(tmp_path) == {}


def test_processes_stop_stage_by_stage(tmp_path: Path) -> None:
    first, second, last = (worker(name, stop_stage=stage) for stage, name in enumerate("abc"))
    suite = Watched(tmp_path, last, first, second)
    suite.start()

    suite.stop()

    assert suite.events("stopping", "stopped") == [
        (name, event) for name in "abc" for event in ("stopping", "stopped")
    ]


def test_what_does_not_stop_by_itself_is_killed(tmp_path: Path) -> None:
    gateway = server("stubborn")
    suite = Watched(
        tmp_path,
        Program(gateway.name, gateway.command, address=gateway.address, stop_seconds=0.2),
    )
    suite.start()

    suite.stop()

    assert suite.events("killed", "stopped") == [("gateway", "killed")]


def test_a_process_that_ends_while_starting_is_named_with_its_last_log_line(
    tmp_path: Path, running: list[Suite]
) -> None:
    suite = Watched(tmp_path, Program("registry", worker(code=BROKEN).command, address="x:1"))
    running.append(suite)

    with pytest.raises(OmniscopeError) as raised:
        suite.start()

    assert raised.value.reason == "START_FAILED"
    assert raised.value.message == (
        "registry ended with code 1: settings are wrong "
        f"(see {tmp_path / 'logs' / 'registry.log'})"
    )


def test_what_earlier_runs_said_is_kept_but_not_taken_for_this_ones(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "registry.log").write_text("old words\n")
    suite = Watched(
        tmp_path, Program("registry", worker(code="raise SystemExit(2)").command, address="x:1")
    )

    with pytest.raises(OmniscopeError, match="it logged nothing"):
        suite.start()

    assert (tmp_path / "logs" / "registry.log").read_text() == "old words\n"


def in_background(suite: Suite) -> tuple[threading.Thread, list[OmniscopeError]]:
    """Watch over a suite beside the test; return what ended it."""
    errors: list[OmniscopeError] = []

    def watch() -> None:
        try:
            suite.watch()
        except OmniscopeError as error:
            errors.append(error)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread, errors


def test_a_process_that_died_is_started_again_at_its_address(
    tmp_path: Path, running: list[Suite]
) -> None:
    gateway = server()
    suite = Watched(tmp_path, gateway)
    running.append(suite)
    suite.start()
    died = read_state(tmp_path)["gateway"].pid

    os.kill(died, signal.SIGKILL)
    in_background(suite)
    while not (gateway.answers() and suite.events("restarted")):
        time.sleep(0.05)

    state = read_state(tmp_path)["gateway"]
    assert state.pid != died
    assert (state.restarts, state.address) == (1, gateway.address)


def test_a_process_that_keeps_dying_ends_the_watch(tmp_path: Path, running: list[Suite]) -> None:
    suite = Watched(tmp_path, worker(code="raise SystemExit('no database')"))
    running.append(suite)
    suite.start()

    thread, errors = in_background(suite)
    thread.join(50)

    assert [error.reason for error in errors] == ["PROCESS_FAILED"]
    assert "no database" in errors[0].message


def test_nothing_outlives_a_suite_that_is_killed(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(HOLDER), str(tmp_path)], stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    holder.stdout.readline()
    children = [psutil.Process(state.pid) for state in read_state(tmp_path).values()]

    holder.kill()
    holder.communicate()

    _, alive = psutil.wait_procs(children, timeout=60)
    assert len(children) == 2
    assert all(child.status() == psutil.STATUS_ZOMBIE for child in alive)


def test_a_log_that_grew_too_big_is_turned_over(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    with (logs / "projector.log").open("wb") as log:
        log.truncate(11 * 1024 * 1024)
    suite = Watched(tmp_path, worker())
    suite.start()
    suite.stop()

    assert (logs / "projector.log").stat().st_size < 1024
    assert (logs / "projector.log.1").stat().st_size == 11 * 1024 * 1024


@pytest.mark.parametrize(("variable", "expected"), [(None, "1"), ("", "1"), ("4", "4")])
def test_the_services_of_a_suite_share_one_slot_unless_told_otherwise(
    variable: str | None, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMNISCOPE_MACHINE_SLOTS", raising=False)
    if variable is not None:
        monkeypatch.setenv("OMNISCOPE_MACHINE_SLOTS", variable)

    services = service_entries()
    ports = choose_ports([service.name for service in services], {}, free=True)

    programs = {p.name: p for p in suite_programs(tmp_path, ports, services)}

    shared = {
        programs[n].environment["OMNISCOPE_MACHINE_SLOTS"] for n in ("automl", "deeplearning")
    }
    assert shared == {expected}


def test_a_suite_without_services_says_that_none_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omniscope_suite.services.entry_points", lambda group: ())

    no_service = pytest.raises(OmniscopeError, match="no service is installed")
    with no_service as raised, suite_running(tmp_path, lambda report: None):
        pass

    assert raised.value.reason == "SERVICES_INVALID"
