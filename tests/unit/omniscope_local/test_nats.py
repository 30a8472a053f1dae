import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nats
import psutil
import pytest

from omniscope_local.nats import NatsServer, NatsStartError, start_nats

HOLDER = """
import sys, time
from pathlib import Path
from omniscope_local.nats import start_nats
print(start_nats(Path(sys.argv[1])).pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    server = start_nats(tmp_path / "nats")
    yield server
    server.stop()


async def test_a_client_stores_messages_that_outlive_the_server(tmp_path: Path) -> None:
    for expected in (1, 2):
        server = start_nats(tmp_path / "nats")
        try:
            connection = await nats.connect(server.url)
            stream = connection.jetstream()
            await stream.add_stream(name="KEPT", subjects=["kept.>"])
            await stream.publish("kept.one", b"payload")
            assert (await stream.stream_info("KEPT")).state.messages == expected
            await connection.close()
        finally:
            server.stop()


def test_a_client_without_the_token_is_refused(server: NatsServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(b"CONNECT {}\r\nPING\r\n")
        received = b"".join(iter(lambda: connection.recv(4096), b""))

    assert b"-ERR 'Authorization Violation'" in received


def test_the_configuration_is_nobody_elses_to_read(server: NatsServer, tmp_path: Path) -> None:
    assert (tmp_path / "nats" / "nats-server.conf").stat().st_mode & 0o077 == 0


def test_stopping_twice_is_harmless(server: NatsServer) -> None:
    server.stop()
    server.stop()
    assert not psutil.pid_exists(server.pid)


def test_a_port_in_use_is_an_error_with_the_servers_own_words(
    server: NatsServer, tmp_path: Path
) -> None:
    with pytest.raises(NatsStartError, match="address already in use"):
        start_nats(tmp_path / "second", port=server.port)


def test_it_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "nats")], stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    server = psutil.Process(int(holder.stdout.readline()))

    holder.kill()
    holder.communicate()

    psutil.wait_procs([server], timeout=60)
    assert not server.is_running() or server.status() == psutil.STATUS_ZOMBIE
