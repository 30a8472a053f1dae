"""A service as a process of its own: how it starts, and how it ends."""

import signal
import subprocess
import sys
import textwrap

import pytest

from omniscope_service.app import EXIT_CONFIGURATION

SERVED = """
    import asyncio
    from pathlib import Path

    from grpc_health.v1 import health_pb2_grpc

    from omniscope_service.app import Service, run
    from omniscope_service.errors import ConfigurationError
    from omniscope_service.log import configure_logging
    from omniscope_service.rpc.auth import LocalTokens
    from omniscope_service.rpc.server import Registration

    def add(servicer, server):
        "Serve nothing but what every server has."

    async def build(stack):
        configure_logging("probe", "info")
        stack.callback(print, "resources are closed", flush=True)
        tokens = LocalTokens.read(Path({home!r}))
        service = Service(
            "probe", {listen!r}, [Registration(None, add, "probe.Probe")], verifier=tokens
        )
        {change}
        return service

    run(build)
"""


@pytest.fixture
def start(home):
    """Start a process that serves; `change` is code that changes its service."""
    processes = []

    def started(change="", listen="127.0.0.1:0"):
        code = textwrap.dedent(SERVED).format(home=str(home), listen=listen, change=change)
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield started
    for process in processes:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_process_says_that_it_is_ready_and_stops_when_it_is_told_to(number, start):
    process = start()
    ready = process.stdout.readline()

    process.send_signal(number)
    out, err = process.communicate()

    assert ready.startswith("READY probe 127.0.0.1:")
    assert int(ready.rpartition(":")[2]) > 0
    assert out == "resources are closed\n"
    assert process.returncode == 0
    assert '"event": "stopped"' in err


def test_a_process_without_a_server_is_ready_too(start):
    process = start("service = Service('probe', workers=[asyncio.Event.wait])")

    assert process.stdout.readline() == "READY probe\n"
    process.terminate()
    assert process.wait() == 0


def test_a_second_signal_ends_the_process_at_once(start):
    process = start(
        "service.drain_seconds = 3600; service.workers = [lambda _: asyncio.sleep(3600)]"
    )
    process.stdout.readline()

    process.terminate()
    assert '"event": "stopping"' in process.stderr.readline()
    process.terminate()

    assert process.wait() == 128 + signal.SIGTERM
    assert process.stdout.read() == ""


def test_a_signal_before_the_service_stands_stops_its_start(start):
    process = start("print('building', flush=True); await asyncio.sleep(3600)")
    process.stdout.readline()

    process.terminate()
    out, _ = process.communicate()

    assert (process.returncode, out) == (0, "resources are closed\n")


def test_a_loop_that_fails_stops_the_process_in_order_with_an_error(start):
    process = start(
        "service.background = [lambda: asyncio.wait_for(asyncio.sleep(9), 0.01)]",
    )

    out, err = process.communicate()

    assert process.returncode == 1
    assert out.endswith("resources are closed\n")
    assert '"event": "a loop failed"' in err
    assert "TimeoutError" in err


@pytest.mark.parametrize(
    ("change", "listen", "message"),
    [
        ("raise ConfigurationError('Set OMNISCOPE_HOME.')", "127.0.0.1:0", "Set OMNISCOPE_HOME."),
        ("", "0.0.0.0:0", "Refusing to listen on 0.0.0.0:0"),
    ],
)
def test_a_configuration_that_cannot_work_is_said_in_one_line(change, listen, message, start):
    process = start(change, listen)

    out, err = process.communicate()

    assert process.returncode == EXIT_CONFIGURATION == 78
    assert err.startswith(message)
    assert err.count("\n") == 1
    assert out == "resources are closed\n"


def test_a_home_without_tokens_is_said_in_one_line(start, home):
    (home / "token").unlink()

    process = start()
    _, err = process.communicate()

    assert process.returncode == EXIT_CONFIGURATION
    assert err == (
        f"Cannot read the token file {home}/token: No such file or directory. "
        "`omniscope up` makes it.\n"
    )
